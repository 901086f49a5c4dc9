import { stripVTControlCharacters } from "node:util";
import { markdownTable } from "markdown-table";

/** One column: its heading, and the side on which its cells stand (`left` by default). */
export interface Column {
  readonly head: string;
  readonly align?: "left" | "right";
}

/**
 * A table of lines for a terminal, which reads as Markdown too, so that it can be put into an issue as it is.
 *
 * @param rows a cell per column; colours take no place
 */
export function tableOf(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  return markdownTable([columns.map((column) => column.head), ...rows], {
    align: columns.map((column) => column.align ?? "left"),
    alignDelimiters: true,
    stringLength: (cell) => stripVTControlCharacters(cell).length,
  });
}
