// GPT-2's alphabet: each byte is written as one printable character, so that merges can be read and stored as text.
// Source: openai/gpt-2 src/encoder.py, bytes_to_unicode.

/** Character of each byte, [256]: printable ones stand for themselves, the rest are U+0100 and up in order. */
export const BYTE_CHARACTERS: readonly string[] = characters();

const BYTE_OF = new Map(BYTE_CHARACTERS.map((character, byte) => [character, byte]));

/** A text in the alphabet. */
export function spelled(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += BYTE_CHARACTERS[byte];
  return text;
}

/** The bytes such a text spells. A character outside of the alphabet stands for itself, in UTF-8. */
export function unspelled(text: string): Uint8Array {
  const bytes: number[] = [];
  for (const character of text) {
    const byte = BYTE_OF.get(character);
    if (byte !== undefined) bytes.push(byte);
    else bytes.push(...new TextEncoder().encode(character));
  }
  return Uint8Array.from(bytes);
}

function characters(): string[] {
  const printable = (byte: number): boolean => (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
  let next = 0x100;
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(printable(byte) ? byte : next++));
}
