import { diff3Merge } from "node-diff3";
import type { FileChange } from "../steps/model/application.ts";

/** Lines that were changed by the step and by somebody since, who alone can say what they shall be. */
export type EditedLines = {
  readonly file: string;
  /** Where they are in the file as it is now, from 1. */
  readonly line: number;
  readonly now: readonly string[];
  /** What undoing the step would put there. */
  readonly before: readonly string[];
};

export type Undone =
  /** The file's text without the step's change; null where it must not be there. */
  | { readonly kind: "undone"; readonly text: string | null }
  | { readonly kind: "edited"; readonly lines: readonly EditedLines[] };

/**
 * A file without what the step changed, and with everything that was changed since: a merge of the
 * two with the step's own text as their common ancestor.
 * @param now the file as it is; null where it is not there
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

/** With their ends, so that a file keeps what it has. */
function linesOf(text: string): string[] {
  return text === "" ? [] : text.split(/(?<=\n)/);
}
