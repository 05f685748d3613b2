import type { Colors } from "./colors.ts";

/** A command of ours with its options, or a word. */
const unbroken = /\btenantry(?: [a-z]+){0,2}(?: --[a-z-]+(?: [^\s-]\S*)?)*\S*|\S+/g;

/**
 * Broken between words, each line behind the margin. A word that is longer stays whole, and so does a
 * command: it is copied.
 */
export function wrapped(text: string, columns: number, margin: string): string {
  const lines: string[] = [];
  let line = margin;
  for (const word of text.match(unbroken) ?? []) {
    const longer = line === margin ? `${margin}${word}` : `${line} ${word}`;
    if (longer.length > columns && line !== margin) {
      lines.push(line);
      line = `${margin}${word}`;
    } else line = longer;
  }
  return [...lines, line].join("\n");
}

/** The same for standard output, behind what stands on the line; a pipe has no columns: one line, however long. */
export function said(text: string, margin: string): string {
  const { columns } = process.stdout;
  return columns === undefined ? text : wrapped(text, columns, margin).trimStart();
}

/** A label, and behind it words that are broken as above, below each other. */
export function labelled(label: string, text: string, columns: number): string {
  const margin = " ".repeat(9);
  return label.padEnd(margin.length) + wrapped(text, columns, margin).trimStart();
}

/** What was wrapped, and behind it the name of its kind, dim; below it where there is no room. */
export function withName(text: string, name: string, columns: number, { dim }: Colors): string {
  const last = text.length - (text.lastIndexOf("\n") + 1);
  const between = last + name.length + 4 > columns ? "\n    " : "  ";
  return `${text}${between}${dim(name)}`;
}
