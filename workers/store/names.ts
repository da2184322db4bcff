// What the names of model files say: their quantization, and which part of a split model they are.

/** "-00002-of-00005.gguf", as llama.cpp's gguf-split writes it. */
const PART = /-(\d{5})-of-(\d{5})(?=\.gguf$)/i;
const QUANTIZATION = /(?:^|[-._/])((?:UD-)?(?:I?Q\d+|TQ\d)(?:_[A-Z0-9]+)*|MXFP4(?:_MOE)?|BF16|FP?16|FP?32)(?=[-._/]|$)/gi;

/** The quantization in a file's name, as llama.cpp spells it: "Q4_K_M"; null where there is none. */
export function quantizationIn(name: string): string | null {
  const last = [...name.matchAll(QUANTIZATION)].at(-1)?.[1];
  return last ? last.toUpperCase().replace(/^FP/, "F") : null;
}

/** Which part of how many a file is by its name, from 1; null for a file that is a model by itself. */
export function partIn(name: string): { readonly number: number; readonly count: number } | null {
  const match = PART.exec(name);
  const [number, count] = [Number(match?.[1]), Number(match?.[2])];
  return match && number >= 1 && number <= count ? { number, count } : null;
}

/** Names of all parts of the split model that a file belongs to, in order; [name] for a file that is a model by itself. */
export function partNames(name: string): string[] {
  const part = partIn(name);
  if (!part) return [name];
  const of = String(part.count).padStart(5, "0");
  return Array.from({ length: part.count }, (_, i) => name.replace(PART, `-${String(i + 1).padStart(5, "0")}-of-${of}`));
}

/** Addresses of all parts, like `partNames`: the name is the end of the URL's path. */
export function partUrls(url: string): string[] {
  const parsed = new URL(url);
  return partNames(parsed.pathname).map((pathname) => Object.assign(new URL(url), { pathname }).href);
}

/** The address that a model is known by: its own, normalized, or that of its first part. */
export function modelUrl(url: string): string {
  return partUrls(url)[0]!;
}

/** The name of the model that a part belongs to: without its number. */
export function wholeName(name: string): string {
  return name.replace(PART, "");
}

/** "https://host/a/model.gguf?download=true" -> "model.gguf". */
export function nameOf(url: string): string {
  const { pathname, host } = new URL(url);
  return decodeURIComponent(pathname.split("/").at(-1) ?? "") || host;
}
