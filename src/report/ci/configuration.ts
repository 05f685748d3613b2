import { bare } from "../../events/concerns.ts";
import type { CheckResult } from "../../events/verification.ts";

/** The configuration, which names what the stages are made of. */
export type Configuration = {
  /** From the repository's root, with slashes. */
  readonly file: string;
  readonly text: string;
};

/** The line of the configuration that names an object's table; its first line, where none does. */
export function lineOf({ text }: Configuration, object: string): number {
  const lines = text.split("\n");
  // `policy "x" on public.leads`, `public.leads.column`: the last names are the most exact.
  const names = bare(object)
    .replace(/^.* on /, "")
    .replace(/\(.*$/, "")
    .split(/[.\s]+/)
    .filter((name) => name !== "" && name !== "public")
    .toReversed();
  for (const name of names) {
    const found = lines.findIndex((line) => isWordOf(line, name));
    if (found >= 0) return found + 1;
  }
  return 1;
}

function isWordOf(line: string, name: string): boolean {
  return line.split(/[^\p{L}\p{N}_$]+/u).includes(name);
}

/** What a claim is about: the object that its evidence shows, or the table that was tried. */
export function objectOf({ evidence = [], trial, claim }: CheckResult): string {
  return evidence[0]?.object ?? trial?.table ?? claim.split(" ")[0] ?? "";
}
