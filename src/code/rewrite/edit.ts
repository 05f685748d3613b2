import type ts from "typescript";
import type { Project } from "../reading/project.ts";
import type { Violation } from "../violations.ts";

/** A change of a text: an insertion or a replacement. */
export type Edit = {
  readonly source: ts.SourceFile;
  readonly at: number;
  /** The end of the replaced text; equal to `at` for an insertion. */
  readonly until: number;
  readonly text: string;
  /** Whether other queries may need the same edit, such as an import. */
  readonly isShared?: true;
};

/** The changes that fix one violation: all of them, or none. */
export type Fix = {
  readonly violation: Violation;
  readonly edits: readonly Edit[];
  /** The group of fixes that are all made, or none: a key that is written here and read there. */
  readonly together: string | undefined;
};

/** Why a violation is not fixed. */
export type Refusal = { readonly reason: string };

/** An edit that only inserts. */
export function insertion(source: ts.SourceFile, at: number, text: string): Edit {
  return { source, at, until: at, text };
}

/** Leaves a violation unchanged, with the reason that the report shows. */
export function refuse(reason: string): Refusal {
  return { reason };
}

/** Tells a refusal from edits. */
export function isRefusal(one: object): one is Refusal {
  return "reason" in one;
}

/** The indentation of the line of a position. */
export function indentAt(source: ts.SourceFile, position: number): string {
  const { text } = source;
  const start = text.lastIndexOf("\n", position - 1) + 1;
  return /^[ \t]*/.exec(text.slice(start))?.[0] ?? "";
}

/** The line ending of a file. */
export function lineEnd({ text }: ts.SourceFile): string {
  return text.includes("\r\n") ? "\r\n" : "\n";
}

/** A string with the quotes of another one, or of the file's first string. */
export function quotedLike(
  source: ts.SourceFile,
  example: ts.Node | undefined,
  text: string,
): string {
  const first = example?.getText() ?? /['"]/.exec(source.text)?.[0] ?? "'";
  const quote = first.startsWith('"') ? '"' : "'";
  return `${quote}${text}${quote}`;
}

/** The place of a node as editors open it: `src/App.tsx:12`. */
export function placeText({ files }: Project, node: ts.Node): string {
  const source = node.getSourceFile();
  const name = files.find((file) => file.source === source)?.name ?? source.fileName;
  return `${name}:${source.getLineAndCharacterOfPosition(node.getStart()).line + 1}`;
}
