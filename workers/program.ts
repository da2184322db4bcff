// Where a worker's program comes from: browsers start none from another origin, but one of their own origin may import it.

/** One wrapper for each program, as long as the page or worker lives: a thread after the other is started from it. */
const wrappers = new Map<string, string>();

/** Whether a program lies on another origin than the page, as when cria.js is imported from a CDN. */
export function isElsewhere(program: string): boolean {
  return typeof origin === "string" && new URL(program, import.meta.url).origin !== origin;
}

/** Starts a program of another origin, whose host has to allow that (CORS). It has the page's origin and storage. */
export function startFromElsewhere(program: string, name: string): Worker {
  let wrapper = wrappers.get(program);
  if (wrapper === undefined) {
    const text = `import ${JSON.stringify(new URL(program, import.meta.url).href)};`;
    wrapper = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
    wrappers.set(program, wrapper);
  }
  return new Worker(wrapper, { type: "module", name });
}
