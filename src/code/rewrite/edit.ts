import type ts from "typescript";
import type { Project } from "../reading/project.ts";
import type { Violation } from "../violations.ts";

/** A change of a text: something is put in, or stands instead of something. */
export type Edit = {
  readonly source: ts.SourceFile;
  readonly at: number;
  /** Where what it replaces ends; `at` where nothing is replaced. */
  readonly until: number;
  readonly text: string;
  /** Whether it is not of the query itself, and other queries may want the very same. */
  readonly isShared?: true;
};

/** The changes that fix one finding: all of them, or none. */
export type Fix = {
  readonly violation: Violation;
  readonly edits: readonly Edit[];
  /** Where one of these cannot be done, none is: keys that are written here and read there. */
  readonly together: string | undefined;
};

/** Why a finding is left as it is. */
export type Refusal = { readonly reason: string };

/** Something that is put in, and replaces nothing. */
export function insertion(source: ts.SourceFile, at: number, text: string): Edit {
  return { source, at, until: at, text };
}

/** Leaves a finding as it is; the reason is said after "left as it is". */
export function refuse(reason: string): Refusal {
  return { reason };
}

/** Tells a refusal from edits. */
export function isRefusal(one: object): one is Refusal {
  return "reason" in one;
}

/** The spaces that the line of a position begins with. */
export function indentAt(source: ts.SourceFile, position: number): string {
  const { text } = source;
  const start = text.lastIndexOf("\n", position - 1) + 1;
  return /^[ \t]*/.exec(text.slice(start))?.[0] ?? "";
}

/** How the file ends its lines. */
export function lineEnd({ text }: ts.SourceFile): string {
  return text.includes("\r\n") ? "\r\n" : "\n";
}

/** A text in the quotes that another one has, or else the file's first text. */
export function quotedLike(
  source: ts.SourceFile,
  example: ts.Node | undefined,
  text: string,
): string {
  const first = example?.getText() ?? /['"]/.exec(source.text)?.[0] ?? "'";
  const quote = first.startsWith('"') ? '"' : "'";
  return `${quote}${text}${quote}`;
}

/** Where a node is, as editors find it: `src/App.tsx:12`. */
export function placeText({ files }: Project, node: ts.Node): string {
  const source = node.getSourceFile();
  const name = files.find((file) => file.source === source)?.name ?? source.fileName;
  return `${name}:${source.getLineAndCharacterOfPosition(node.getStart()).line + 1}`;
}
