// Files of other formats than our own, on the disk, at addresses or on a hub: opened where they are, read by ranges.
import type { ByteSource } from "../engine/base/source.ts";
import type { Access } from "../engine/base/wire.ts";
import { fileUrl, parseHubAddress, readRepository } from "../store/hub.ts";
import { NETWORK } from "../store/http.ts";
import { openFile } from "../store/local.ts";
import { openRemoteFile } from "../store/remote-file.ts";
import { tokenFor } from "../store/tokens.ts";

/** A file, and what tells it from any other: its name or address, its length, its date or tag. */
export interface ForeignFile {
  readonly source: ByteSource;
  readonly fingerprint: string;
}

/** Paths of the files that belong together, of all in a repository. */
export type ChooseFiles = (paths: readonly string[]) => readonly string[];

/** Opens files, and of a repository those that `choose` picks. Throws what hosts throw. */
export async function openForeignFiles(
  sources: readonly (string | File)[],
  choose: ChooseFiles,
  access: Partial<Access>,
  signal: AbortSignal | undefined,
): Promise<ForeignFile[]> {
  const opened: ForeignFile[] = [];
  for (const source of sources) {
    if (source instanceof File) {
      const { name, size, lastModified } = source;
      opened.push({ source: openFile(source), fingerprint: `${name}:${String(size)}:${String(lastModified)}` });
      continue;
    }
    for (const url of await urlsOf(source, choose, access, signal)) {
      const token = await tokenFor(url, access.token ?? null);
      const file = await openRemoteFile(url, { network: NETWORK, token, signal });
      opened.push({ source: file, fingerprint: `${url}:${String(file.sizeBytes)}:${file.etag ?? ""}` });
    }
  }
  return opened;
}

/** The address itself, or those of a repository's files at its present commit. */
async function urlsOf(
  address: string,
  choose: ChooseFiles,
  access: Partial<Access>,
  signal: AbortSignal | undefined,
): Promise<string[]> {
  const hub = parseHubAddress(address, access.hub ?? undefined);
  if (!hub || hub.path !== null) return [hub ? fileUrl(hub, hub.revision, hub.path ?? "") : address];
  const token = await tokenFor(hub.hub, access.token ?? null);
  const { commit, files } = await readRepository(hub, { network: NETWORK, token, signal });
  return choose(files.map(({ path }) => path)).map((path) => fileUrl(hub, commit, path));
}
