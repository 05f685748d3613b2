import { diff3Merge } from "node-diff3";
import type { FileChange } from "../steps/model/application.ts";

/** Lines that the step changed and that were edited since: a person must decide. */
export type EditedLines = {
  readonly file: string;
  /** The number of the first of them in the file as it is now, from 1. */
  readonly line: number;
  readonly now: readonly string[];
  /** The lines that undoing the step would write. */
  readonly before: readonly string[];
};

export type Undone =
  /** The file's text without the step's change; null where the step made the file. */
  | { readonly kind: "undone"; readonly text: string | null }
  | { readonly kind: "edited"; readonly lines: readonly EditedLines[] };

/**
 * Undoes the change of a step in a file and keeps every later change: a three-way merge with the text
 * that the step wrote as the common ancestor.
 * @param now the text of the file; null where the file does not exist
 */
export function undoChange({ file, before, after }: FileChange, now: string | null): Undone {
  if (now === after) return { kind: "undone", text: before };
  if (now === before) return { kind: "undone", text: before };
  if (now === null || before === null) {
    const lines = { file, line: 1, now: linesOf(now ?? ""), before: linesOf(before ?? "") };
    return { kind: "edited", lines: [lines] };
  }
  const merged: string[] = [];
  const edited: EditedLines[] = [];
  for (const region of diff3Merge(linesOf(now), linesOf(after), linesOf(before))) {
    if (region.ok !== undefined) merged.push(...region.ok);
    if (region.conflict !== undefined) {
      const { a, aIndex, b } = region.conflict;
      edited.push({ file, line: aIndex + 1, now: a, before: b });
    }
  }
  return edited.length > 0
    ? { kind: "edited", lines: edited }
    : { kind: "undone", text: merged.join("") };
}

/** Lines with their line endings. */
function linesOf(text: string): string[] {
  return text === "" ? [] : text.split(/(?<=\n)/);
}
