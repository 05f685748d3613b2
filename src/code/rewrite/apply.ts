import MagicString from "magic-string";
import type ts from "typescript";
import { memoize } from "../reading/memoize.ts";
import type { Edit } from "./edit.ts";

/** A file's text with its edits, in the order in which they are given. */
export function applyEdits(source: ts.SourceFile, edits: readonly Edit[]): string {
  const text = new MagicString(source.text);
  for (const { at, until, text: added } of eachOnce(edits)) {
    if (at === until) text.appendLeft(at, added);
    else if (added === "") text.remove(at, until);
    else text.update(at, until, added);
  }
  return text.toString();
}

/** The position in the new text of a position in the old one, after all insertions before it. */
export function movedTo(position: number, edits: readonly Edit[]): number {
  const { places, moves } = movesOf(edits);
  let from = 0;
  let until = places.length;
  while (from < until) {
    const middle = (from + until) >> 1;
    if ((places[middle] ?? 0) < position) from = middle + 1;
    else until = middle;
  }
  return position + (moves[from] ?? 0);
}

/** The positions of edits in order, and how far the text moves after each. */
const movesOf = memoize((edits: readonly Edit[]) => {
  const inOrder = [...eachOnce(edits)].sort((one, other) => one.at - other.at);
  const moves = [0];
  for (const { at, until, text } of inOrder)
    moves.push((moves.at(-1) ?? 0) + text.length - (until - at));
  return { places: inOrder.map(({ at }) => at), moves };
});

/** Equal edits are made once: one hook call for two queries, one filter for two tables. */
function eachOnce(edits: readonly Edit[]): readonly Edit[] {
  const known = new Set<string>();
  return edits.filter(({ at, until, text }) => {
    const key = `${at} ${until} ${text}`;
    if (known.has(key)) return false;
    known.add(key);
    return true;
  });
}
