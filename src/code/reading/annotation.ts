import ts from "typescript";
import type { CodeFile } from "./project.ts";
import { isFunctionNode } from "./syntax.ts";

/** The way out: a comment that says why something is for all organizations. */
export type Annotation = {
  readonly file: string;
  readonly line: number;
  /** Undefined where none is given; then it is no way out. */
  readonly reason: string | undefined;
  /** What stands behind `tenantry:`. */
  readonly text: string;
  /** Where the comment begins in its file. */
  readonly at: number;
};

/** By the files' names. */
export type Annotations = ReadonlyMap<string, readonly Annotation[]>;

const marked = /^(?:\/\/|\/\*+)\s*tenantry:\s*(.*?)\s*(?:\*\/)?$/s;
const reasoned = /^all-organizations\s+because\s+(\S.{2,})$/s;

/** Every annotation of a file, those without a reason among them. */
export function annotationsOf({ source, name }: CodeFile): Annotation[] {
  const { text } = source;
  if (!text.includes("tenantry:")) return [];
  return commentsOf(source).flatMap(({ pos, end }) => {
    const said = marked.exec(text.slice(pos, end))?.[1];
    if (said === undefined) return [];
    const reason = reasoned.exec(said)?.[1]?.replace(/\s+/g, " ");
    const line = source.getLineAndCharacterOfPosition(end).line + 1;
    return [{ file: name, line, reason, text: said, at: pos }];
  });
}

function commentsOf(source: ts.SourceFile): ts.TextRange[] {
  const found = new Map<number, ts.TextRange>();
  const visit = (node: ts.Node): void => {
    // Comments hang on tokens, and tokens are the nodes without children.
    const children = node.getChildren(source);
    if (children.length > 0) {
      for (const child of children) visit(child);
      return;
    }
    if (node.kind === ts.SyntaxKind.JsxText) return;
    for (const comment of [
      ...(ts.getLeadingCommentRanges(source.text, node.pos) ?? []),
      ...(ts.getTrailingCommentRanges(source.text, node.end) ?? []),
    ])
      found.set(comment.pos, comment);
  };
  visit(source);
  return [...found.values()];
}

/**
 * The annotation of an expression: on one of its lines, or on the lines of comments right above it or
 * above its statement. One in a callback is for what the callback does, not for what it is given to.
 */
export function annotationFor(
  annotations: Annotations,
  { name }: CodeFile,
  node: ts.Node,
): Annotation | undefined {
  const own = annotations.get(name) ?? [];
  if (own.length === 0) return undefined;
  const source = node.getSourceFile();
  const lineOf = (position: number) => source.getLineAndCharacterOfPosition(position).line + 1;
  const lines = source.text.split("\n");
  const first = lineOf(node.getStart());
  const last = lineOf(node.getEnd());
  const covered = new Set<number>();
  for (let line = first; line <= last; line += 1) covered.add(line);
  const statement = ts.findAncestor(node, ts.isStatement);
  for (const start of [first, ...(statement === undefined ? [] : [lineOf(statement.getStart())])])
    for (let line = start - 1; isComment(lines[line - 1]); line -= 1) covered.add(line);
  return own.find(({ line, at }) => covered.has(line) && !isInFunctionBelow(node, at));
}

function isInFunctionBelow(node: ts.Node, position: number): boolean {
  return (
    ts.forEachChild(node, (child) => {
      const isAround = child.getStart() <= position && position < child.getEnd();
      if (!isAround) return false;
      return isFunctionNode(child) || isInFunctionBelow(child, position);
    }) ?? false
  );
}

function isComment(line: string | undefined): boolean {
  return line !== undefined && /^\s*(\/\/|\/\*|\*|\{\/\*)/.test(line);
}
