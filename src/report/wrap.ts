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
