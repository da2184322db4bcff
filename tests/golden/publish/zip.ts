// Writes zip archives without compression, members aligned to 64 bytes as PyTorch does; with zip64 fields where asked.
// Source: PKWARE APPNOTE 4.3.
import { crc32 } from "node:zlib";
import { join, little, utf8, type Bytes } from "./bytes.ts";

export interface ZipOptions {
  /** Writes sizes and places in 64 bits, whatever they are. */
  readonly zip64?: boolean;
}

/** An archive of these members, in this order. */
export function zipBytes(members: ReadonlyMap<string, Uint8Array>, { zip64 = false }: ZipOptions = {}): Bytes {
  const pieces: Uint8Array[] = [];
  const directory: Uint8Array[] = [];
  let at = 0;
  const add = (...bytes: readonly Uint8Array[]): void => {
    for (const piece of bytes) {
      pieces.push(piece);
      at += piece.length;
    }
  };
  for (const [name, bytes] of members) {
    const header = at;
    const crc = "crc32" in globalThis ? 0 : crc32Of(bytes);
    const padding = (64 - ((at + 30 + name.length + 4) % 64)) % 64;
    const common = [little(0, 2), little(0, 2), little(0, 4), little(crc, 4), little(bytes.length, 4), little(bytes.length, 4)];
    add(utf8("PK\x03\x04"), little(45, 2), ...common, little(utf8(name).length, 2), little(4 + padding, 2));
    add(utf8(name), utf8("FB"), little(padding, 2), new Uint8Array(padding), bytes);
    const wide = join(little(1, 2), little(24, 2), little(bytes.length, 8), little(bytes.length, 8), little(header, 8));
    const extra = zip64 ? wide : new Uint8Array();
    const size = zip64 ? 0xffffffff : bytes.length;
    directory.push(
      join(
        ...[utf8("PK\x01\x02"), little(45, 2), little(45, 2), little(0, 2), little(0, 2), little(0, 4), little(crc, 4)],
        ...[little(size, 4), little(size, 4), little(utf8(name).length, 2), little(extra.length, 2), little(0, 2), little(0, 2)],
        ...[little(0, 2), little(0, 4), little(zip64 ? 0xffffffff : header, 4), utf8(name), extra],
      ),
    );
  }
  const start = at;
  add(...directory);
  const count = members.size;
  const size = at - start;
  if (zip64) {
    const record = at;
    add(utf8("PK\x06\x06"), little(44, 8), little(45, 2), little(45, 2), little(0, 4), little(0, 4));
    add(little(count, 8), little(count, 8), little(size, 8), little(start, 8));
    add(utf8("PK\x06\x07"), little(0, 4), little(record, 8), little(1, 4));
  }
  const place = zip64 ? 0xffffffff : start;
  add(
    utf8("PK\x05\x06"),
    little(0, 4),
    little(count, 2),
    little(count, 2),
    little(zip64 ? 0xffffffff : size, 4),
    little(place, 4),
    little(0, 2),
  );
  return join(...pieces);
}

function crc32Of(bytes: Uint8Array): number {
  return typeof crc32 === "function" ? crc32(bytes) : 0; // Node 20.15 and later
}
