// Reads the documentation's header snippets as the servers they are for would: far enough to serve with them.

type Headers = Readonly<Record<string, string>>;
/** The headers of a path. */
export type HeadersOf = (path: string) => Headers;

const unquoted = (value: string): string =>
  value
    .trim()
    .replace(/;$/, "")
    .replace(/^"(.*)"$/, "$1");

/** One reader for each snippet, by its name. */
export const SERVERS: Readonly<Record<string, (snippet: string) => HeadersOf>> = {
  // A location's own headers replace those around it.
  nginx(snippet) {
    const locations = [...snippet.matchAll(/location (= )?(\S+) \{([^}]*)\}/g)].map(([, exact, path, body]) => ({
      exact: exact !== undefined,
      path: path!,
      headers: Object.fromEntries(
        [...body!.matchAll(/add_header (\S+) (.*)/g)].map(([, name, value]) => [name!, unquoted(value!)]),
      ),
    }));
    return (path) =>
      (locations.find((location) => location.exact && location.path === path) ?? locations.find((location) => !location.exact))!
        .headers;
  },
  apache(snippet) {
    const read = (text: string): Headers =>
      Object.fromEntries([...text.matchAll(/Header set (\S+) (.*)/g)].map(([, name, value]) => [name!, unquoted(value!)]));
    const [, file, inside] = /<Files "([^"]+)">([\s\S]*?)<\/Files>/.exec(snippet)!;
    const everywhere = read(snippet.replace(/<Files[\s\S]*<\/Files>/, ""));
    return (path) => (path.endsWith(`/${file!}`) ? { ...everywhere, ...read(inside!) } : everywhere);
  },
  caddy(snippet) {
    const blocks = [...snippet.matchAll(/header (\S+ )?\{([^}]*)\}/g)].map(([, path, body]) => ({
      path: path?.trim() ?? null,
      headers: Object.fromEntries(
        body!
          .trim()
          .split("\n")
          .map((line) => /^\s*(\S+) (.*)$/.exec(line)!)
          .map(([, name, value]) => [name!, unquoted(value!)]),
      ),
    }));
    return (path) =>
      Object.assign({}, ...blocks.filter((block) => block.path === null || block.path === path).map(({ headers }) => headers));
  },
  vercel(snippet) {
    const { headers: rules } = Object(JSON.parse(snippet));
    return (path) =>
      Object.assign(
        {},
        ...rules
          .filter(({ source }: { source: string }) => new RegExp(`^${source}$`).test(path))
          .map(({ headers }: { headers: { key: string; value: string }[] }) =>
            Object.fromEntries(headers.map(({ key, value }) => [key, value])),
          ),
      );
  },
};
