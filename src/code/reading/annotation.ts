import ts from "typescript";
import type { CodeFile } from "./project.ts";
import { isFunctionNode } from "./syntax.ts";

/** A comment that gives the reason why a query is for all organizations. */
export type Annotation = {
  readonly file: string;
  readonly line: number;
  /** Undefined where there is none; then the annotation has no effect. */
  readonly reason: string | undefined;
  /** The text after `tenantry:`. */
  readonly text: string;
  /** Where the comment begins in its file. */
  readonly at: number;
};

/** By file name. */
export type Annotations = ReadonlyMap<string, readonly Annotation[]>;

const marked = /^(?:\/\/|\/\*+)\s*tenantry:\s*(.*?)\s*(?:\*\/)?$/s;
const reasoned = /^all-organizations\s+because\s+(\S.{2,})$/s;

/** All annotations of a file, also those without a reason. */
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
    // Comments belong to tokens, which are the nodes without children.
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
 * above its statement. One in a callback is for the queries of the callback only.
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
