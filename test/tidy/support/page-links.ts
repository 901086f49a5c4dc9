import { existsSync } from "node:fs";
import { read, root } from "./repository.js";

/** A file, and a text that stands in it. */
export interface PageLink {
  readonly path: string;
  readonly title: string;
}

/** What a page names by `[label]: path 'title'`, by label. */
export function linksOf(page: string): ReadonlyMap<string, PageLink> {
  return new Map(
    [...page.matchAll(/^\[([\w-]+)\]: (\S+) (?:'(.*)'|"(.*)")$/gm)].map(([, label, path, plain, escaped]) => [
      String(label),
      { path: String(path).replace("../", ""), title: plain ?? String(escaped).replaceAll('\\"', '"') },
    ]),
  );
}

/** Those whose file or text is not there. */
export function wrongLinks(links: ReadonlyMap<string, PageLink>): [string, PageLink][] {
  return [...links].filter(([, { path, title }]) => {
    if (!existsSync(`${root}/${path}`)) return true;
    const text = read(path);
    // A cell of a table of cases is named by what it is made of.
    return !title.split(" × ").every((part) => text.includes(part));
  });
}
