/** Broken between words, each line behind the margin; a word that is longer stays whole. */
export function wrapped(text: string, columns: number, margin: string): string {
  const lines: string[] = [];
  let line = margin;
  for (const word of text.split(/\s+/)) {
    const longer = line === margin ? `${margin}${word}` : `${line} ${word}`;
    if (longer.length > columns && line !== margin) {
      lines.push(line);
      line = `${margin}${word}`;
    } else line = longer;
  }
  return [...lines, line].join("\n");
}

/** A label, and behind it words that are broken as above, below each other. */
export function labelled(label: string, text: string, columns: number): string {
  const margin = " ".repeat(9);
  return label.padEnd(margin.length) + wrapped(text, columns, margin).trimStart();
}
