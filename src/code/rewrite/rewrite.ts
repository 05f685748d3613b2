import path from "node:path";
import type ts from "typescript";
import type { Inventory } from "../queries/inventory.ts";
import { type Violation, violationsOf } from "../violations.ts";
import { applyEdits } from "./apply.ts";
import { type Fix, isRefusal } from "./edit.ts";
import { fix } from "./fix.ts";
import { groupsOf } from "./groups.ts";
import { editsByFile, leaveOutTypeErrors, leftWithGroup } from "./typecheck.ts";

export type RewrittenFile = {
  /** The absolute path. */
  readonly path: string;
  readonly name: string;
  readonly before: string;
  readonly after: string;
  /** How many findings are fixed in it. */
  readonly edits: number;
};

/** A violation that is not fixed, and why. */
export type LeftViolation = Violation & { readonly reason: string };

export type Rewriting = {
  readonly files: readonly RewrittenFile[];
  readonly left: readonly LeftViolation[];
};

/**
 * Adds the organization to every query where that is certain; all others are left unchanged, with the
 * reason. Code that typechecked before typechecks after. Nothing is written.
 */
export function rewriteCode(inventory: Inventory): Rewriting {
  const { project } = inventory;
  const left: LeftViolation[] = [];
  const fixes: Fix[] = [];
  const impossible = new Set<string>();
  const violations = violationsOf(inventory);
  const groups = groupsOf(violations, inventory.symbols);
  for (const violation of violations) {
    const group = groups.get(violation);
    const fixing = fix(violation, inventory, group);
    if (!isRefusal(fixing)) fixes.push(fixing);
    else {
      left.push({ ...violation, reason: fixing.reason });
      if (group !== undefined) impossible.add(group);
    }
  }
  const possible = fixes.filter(({ violation, together }) => {
    if (together === undefined || !impossible.has(together)) return true;
    left.push({ ...violation, reason: leftWithGroup });
    return false;
  });
  const { sound, broken } = leaveOutTypeErrors(project, possible);
  for (const { fixing, reason } of broken) left.push({ ...fixing.violation, reason });

  const counts = fixesByFile(sound);
  const files = [...editsByFile(sound)].map(([source, edits]) => ({
    path: path.normalize(source.fileName),
    name: inventory.symbols.fileOf(source)?.name ?? source.fileName,
    before: source.text,
    after: applyEdits(source, edits),
    edits: counts.get(source) ?? 0,
  }));
  return { files: inOrder(files), left: left.sort(byPlace) };
}

function fixesByFile(fixes: readonly Fix[]): ReadonlyMap<ts.SourceFile, number> {
  const counts = new Map<ts.SourceFile, number>();
  for (const { edits } of fixes)
    for (const source of new Set(edits.map((edit) => edit.source)))
      counts.set(source, (counts.get(source) ?? 0) + 1);
  return counts;
}

function inOrder(files: readonly RewrittenFile[]): RewrittenFile[] {
  return [...files].sort((one, other) => (one.name < other.name ? -1 : 1));
}

function byPlace({ place: one }: Violation, { place: other }: Violation): number {
  if (one.file !== other.file) return one.file < other.file ? -1 : 1;
  return one.line - other.line || one.column - other.column;
}
