import MagicString from "magic-string";
import type ts from "typescript";
import { memoize } from "../reading/memoize.ts";
import type { Edit } from "./edit.ts";

/** A file's text with its edits, the one that was asked for first standing first. */
export function applyEdits(source: ts.SourceFile, edits: readonly Edit[]): string {
  const text = new MagicString(source.text);
  for (const { at, until, text: added } of eachOnce(edits)) {
    if (at === until) text.appendLeft(at, added);
    else if (added === "") text.remove(at, until);
    else text.update(at, until, added);
  }
  return text.toString();
}

/** Where a position of the old text is in the new one, behind what was put in before it. */
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

/** The places of edits in their order, and how far they move what is behind so many of them. */
const movesOf = memoize((edits: readonly Edit[]) => {
  const inOrder = [...eachOnce(edits)].sort((one, other) => one.at - other.at);
  const moves = [0];
  for (const { at, until, text } of inOrder)
    moves.push((moves.at(-1) ?? 0) + text.length - (until - at));
  return { places: inOrder.map(({ at }) => at), moves };
});

/** The very same edit is done once, whoever asked for it: a hook for two queries, two tables of one. */
function eachOnce(edits: readonly Edit[]): readonly Edit[] {
  const known = new Set<string>();
  return edits.filter(({ at, until, text }) => {
    const key = `${at} ${until} ${text}`;
    if (known.has(key)) return false;
    known.add(key);
    return true;
  });
}
