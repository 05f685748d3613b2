import ts from "typescript";
import type { Project } from "../reading/project.ts";
import { everyNode } from "../reading/syntax.ts";
import { movedTo } from "./apply.ts";
import type { Edit } from "./edit.ts";

declare module "typescript" {
  interface Program {
    /**
     * Checks some nodes of a file, as editors do for the visible part. TypeScript has it since 5.6, but does
     * not declare it; a version without it checks the whole file.
     */
    getSemanticDiagnostics(
      source: SourceFile,
      cancellation: undefined,
      nodes: readonly Node[],
    ): readonly Diagnostic[];
  }
}

/** A file that edits changed, in the project before and after. */
export type ChangedFile = {
  readonly before: Project;
  readonly after: Project;
  readonly old: ts.SourceFile;
  /** What `old` became. */
  readonly source: ts.SourceFile;
  readonly edits: readonly Edit[];
};

/**
 * Whether a changed file certainly typechecks as it did before: the changed statements do, and all
 * others see the same types as before. This checks a small part of the file; most of the time would
 * go into its JSX. False means that the whole file must be checked.
 */
export function typechecksAsBefore({ before, after, old, source, edits }: ChangedFile): boolean {
  // Removed text may have been the only use of a name, or an error that @ts-expect-error expects.
  const takesAway = edits.some(({ at, until, text }) => !text.includes(old.text.slice(at, until)));
  if (takesAway || old.text.includes("@ts-expect-error")) return false;
  if (after.program.getSyntacticDiagnostics(source).length > 0) return false;
  const changed = new Set<ts.Statement>();
  for (const { statement, isNew } of statementsOf(source, edits)) {
    if (!isNew) {
      const was = statementAt(old, statement, edits);
      if (was === undefined || !haveSameTypes(was, before, statement, after)) return false;
    } else if (namesOf(statement).some((name) => hasWord(old.text, name))) return false;
    changed.add(statement);
  }
  return after.program.getSemanticDiagnostics(source, undefined, [...changed]).length === 0;
}

type Changed = { readonly statement: ts.Statement; readonly isNew: boolean };

/** The innermost statements of the new text that contain an edit. */
function statementsOf(source: ts.SourceFile, edits: readonly Edit[]): Changed[] {
  return edits.flatMap(({ at }) => {
    const from = movedTo(at, edits);
    const until = movedTo(at + 1, edits) - 1;
    return changedWithin(source, from, until);
  });
}

function changedWithin(node: ts.Node, from: number, until: number): Changed[] {
  const inner = ts.forEachChild(node, (child) =>
    child.getStart() <= from && until <= child.end ? child : undefined,
  );
  const deeper = inner === undefined ? [] : changedWithin(inner, from, until);
  if (deeper.length > 0) return deeper;
  if (hasStatements(node))
    return node.statements
      .filter((statement) => from <= statement.getStart() && statement.end <= until)
      .map((statement) => ({ statement, isNew: true }));
  return isInList(node) ? [{ statement: node, isNew: false }] : [];
}

/** The statement of the old text that a changed one was. */
function statementAt(
  old: ts.SourceFile,
  statement: ts.Statement,
  edits: readonly Edit[],
): ts.Statement | undefined {
  const start = statement.getStart();
  const find = (node: ts.Node): ts.Statement | undefined => {
    if (movedTo(node.getStart(), edits) > start || movedTo(node.end, edits) < start)
      return undefined;
    if (node.kind === statement.kind && movedTo(node.getStart(), edits) === start && isInList(node))
      return node;
    return ts.forEachChild(node, find);
  };
  return find(old);
}

function haveSameTypes(
  was: ts.Statement,
  before: Project,
  is: ts.Statement,
  after: Project,
): boolean {
  const old = valuesOf(was);
  const fresh = valuesOf(is);
  return (
    old !== undefined &&
    fresh?.length === old.length &&
    old.every((node, index) => {
      const counterpart = fresh[index];
      return counterpart !== undefined && typeOf(node, before) === typeOf(counterpart, after);
    })
  );
}

/** All values that a statement gives to the code around it; undefined where they are not known. */
function valuesOf(statement: ts.Statement): ts.Node[] | undefined {
  if (ts.isExpressionStatement(statement) || ts.isExportAssignment(statement))
    return [statement.expression];
  if (ts.isReturnStatement(statement))
    return statement.expression === undefined ? [] : [statement.expression];
  if (ts.isVariableStatement(statement))
    return statement.declarationList.declarations.flatMap(({ name, initializer }) =>
      initializer === undefined ? [name] : [name, initializer],
    );
  return undefined;
}

function typeOf(node: ts.Node, { checker }: Project): string {
  return checker.typeToString(
    checker.getTypeAtLocation(node),
    undefined,
    ts.TypeFormatFlags.NoTruncation | ts.TypeFormatFlags.UseFullyQualifiedType,
  );
}

/** The names that a new statement declares: a variable's, an import's. */
function namesOf(statement: ts.Statement): string[] {
  const names: string[] = [];
  everyNode(statement, (node) => {
    if (
      (ts.isBindingElement(node) || ts.isVariableDeclaration(node) || ts.isImportSpecifier(node)) &&
      ts.isIdentifier(node.name)
    )
      names.push(node.name.text);
  });
  return names;
}

function hasWord(text: string, word: string): boolean {
  return new RegExp(`(?<![\\w$])${word.replaceAll("$", "\\$")}(?![\\w$])`).test(text);
}

type WithStatements = ts.SourceFile | ts.Block | ts.ModuleBlock | ts.CaseOrDefaultClause;

function hasStatements(node: ts.Node): node is WithStatements {
  return (
    ts.isSourceFile(node) ||
    ts.isBlock(node) ||
    ts.isModuleBlock(node) ||
    ts.isCaseOrDefaultClause(node)
  );
}

/** Whether a node is a statement in a list; the body of an `if` without a block is not. */
function isInList(node: ts.Node): node is ts.Statement {
  const { parent } = node;
  return (
    parent !== undefined &&
    hasStatements(parent) &&
    parent.statements.some((statement) => statement === node)
  );
}
