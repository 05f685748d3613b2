import ts from "typescript";
import type { Project } from "../reading/project.ts";
import { applyEdits, movedTo } from "./apply.ts";
import type { Edit, Fix } from "./edit.ts";
import { typechecksAsBefore } from "./unchanged-types.ts";

type Judged = { readonly sound: readonly Fix[]; readonly broken: readonly Broken[] };
type Broken = { readonly fixing: Fix; readonly reason: string };

const mostRounds = 5;

/** Why a correct change is left out. */
export const leftWithGroup = "a change that must be made together with it is not possible";

/** Leaves out the changes that bring new type errors into a file. */
export function leaveOutTypeErrors(project: Project, fixes: readonly Fix[]): Judged {
  const known = new Map<ts.SourceFile, ReadonlyMap<string, number>>();
  const broken: Broken[] = [];
  let sound = fixes;
  for (let round = 1; sound.length > 0; round += 1) {
    const found = newTypeErrors(project, sound, known, round > mostRounds);
    if (found.size === 0) break;
    for (const [fixing, message] of found)
      broken.push({ fixing, reason: `it would not typecheck: ${message}` });
    const groups = new Set([...found.keys()].flatMap(({ together }) => together ?? []));
    const others = sound.filter(
      (one) => !found.has(one) && one.together !== undefined && groups.has(one.together),
    );
    for (const fixing of others) broken.push({ fixing, reason: leftWithGroup });
    sound = sound.filter((one) => !found.has(one) && !others.includes(one));
  }
  return { sound, broken };
}

/** The changes that bring a new type error into a file, with the error. */
function newTypeErrors(
  project: Project,
  fixes: readonly Fix[],
  known: Map<ts.SourceFile, ReadonlyMap<string, number>>,
  isLastRound: boolean,
): ReadonlyMap<Fix, string> {
  const byFile = editsByFile(fixes);
  const texts = new Map(
    [...byFile].map(([file, edits]) => [file.fileName, applyEdits(file, edits)]),
  );
  const changed = project.withTexts(texts);
  const found = new Map<Fix, string>();
  for (const [file, edits] of byFile) {
    const source = changed.program.getSourceFile(file.fileName);
    if (source === undefined) continue;
    if (typechecksAsBefore({ before: project, after: changed, old: file, source, edits })) continue;
    const after = diagnosticsOf(changed, source);
    // Without errors after the change, the errors before it do not matter.
    if (after.length === 0) continue;
    const before = known.get(file) ?? countByText(diagnosticsOf(project, file));
    known.set(file, before);
    const counts = countByText(after);
    const isNew = (error: ts.Diagnostic) =>
      (counts.get(keyOf(error)) ?? 0) > (before.get(keyOf(error)) ?? 0);
    const own = fixes.filter((fixing) => fixing.edits.some((edit) => edit.source === file));
    for (const error of after.filter(isNew)) {
      const blamed = isLastRound ? [] : nearest(own, error, edits);
      // Without a change to blame, the whole file stays unchanged.
      for (const fixing of blamed.length > 0 ? blamed : own) found.set(fixing, firstLineOf(error));
    }
  }
  return found;
}

/** The first line of an error; the rest can fill a page. */
function firstLineOf({ messageText }: ts.Diagnostic): string {
  const text = typeof messageText === "string" ? messageText : messageText.messageText;
  return text.length <= 160 ? text : `${text.slice(0, 159)}…`;
}

/** The edits of each file, in the order in which they are made. */
export function editsByFile(fixes: readonly Fix[]): ReadonlyMap<ts.SourceFile, Edit[]> {
  const files = new Map<ts.SourceFile, Edit[]>();
  for (const edit of fixes.flatMap(({ edits }) => edits)) {
    const own = files.get(edit.source);
    if (own === undefined) files.set(edit.source, [edit]);
    else own.push(edit);
  }
  return files;
}

/** Syntax errors first: a file that does not parse has no types. */
function diagnosticsOf({ program }: Project, source: ts.SourceFile): readonly ts.Diagnostic[] {
  const syntactic = program.getSyntacticDiagnostics(source);
  return syntactic.length > 0 ? syntactic : program.getSemanticDiagnostics(source);
}

function countByText(errors: readonly ts.Diagnostic[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const error of errors) counts.set(keyOf(error), (counts.get(keyOf(error)) ?? 0) + 1);
  return counts;
}

function keyOf({ code, messageText }: ts.Diagnostic): string {
  return `${code} ${ts.flattenDiagnosticMessageText(messageText, " ")}`;
}

/** The changes nearest around an error: of nested queries, the inner ones. */
function nearest(
  fixes: readonly Fix[],
  error: ts.Diagnostic,
  edits: readonly Edit[],
): readonly Fix[] {
  const widths = new Map<Fix, number>();
  for (const fixing of fixes) {
    const width = widthAround(fixing, error.start ?? 0, edits);
    if (width !== undefined) widths.set(fixing, width);
  }
  const least = Math.min(...widths.values());
  return [...widths].flatMap(([fixing, width]) => (width === least ? [fixing] : []));
}

/** The width of the changed range that contains a position of the new text. */
function widthAround(
  { violation, edits: own }: Fix,
  position: number,
  edits: readonly Edit[],
): number | undefined {
  const node = violation.entry?.node;
  const ranges = [
    ...(node === undefined ? [] : [[node.getStart(), node.getEnd()] as const]),
    ...own.flatMap(({ at, until, isShared }) => (isShared ? [] : [[at, until] as const])),
  ];
  const around = ranges.filter(
    ([from, to]) => movedTo(from, edits) <= position && position <= movedTo(to + 1, edits),
  );
  return around.length === 0 ? undefined : Math.min(...around.map(([from, to]) => to - from));
}
