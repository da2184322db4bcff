// Addresses of models as people write them.

const HUB = "https://huggingface.co";

/** The origin that an address is asked of: a token for it goes there and nowhere else. */
export function hostOf(address: string): string {
  return URL.canParse(address) ? new URL(address).origin : HUB;
}

/** The name of the host, for people. */
export function hostName(address: string): string {
  return new URL(hostOf(address)).host;
}

/** A repository at another revision: "owner/name@revision". */
export function atRevision(repository: string, revision: string): string {
  return `${repository}@${revision}`;
}
