import MagicString from "magic-string";
import type ts from "typescript";
import type { Edit } from "./edit.ts";

/** A file's text with its edits, the one that was asked for first standing first. */
export function applyEdits(source: ts.SourceFile, edits: readonly Edit[]): string {
  const text = new MagicString(source.text);
  for (const { at, until, text: added } of once(edits)) {
    if (at === until) text.appendLeft(at, added);
    else if (added === "") text.remove(at, until);
    else text.update(at, until, added);
  }
  return text.toString();
}

/** Where a position of the old text is in the new one, behind what was put in before it. */
export function movedTo(position: number, edits: readonly Edit[]): number {
  return once(edits)
    .filter(({ at }) => at < position)
    .reduce((moved, { at, until, text }) => moved + text.length - (until - at), position);
}

/** The very same edit is done once, whoever asked for it: a hook for two queries, two tables of one. */
function once(edits: readonly Edit[]): readonly Edit[] {
  const known = new Set<string>();
  return edits.filter(({ at, until, text }) => {
    const key = `${at} ${until} ${text}`;
    if (known.has(key)) return false;
    known.add(key);
    return true;
  });
}
