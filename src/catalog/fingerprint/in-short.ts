const longest = 100;

/** Two values for people: of long ones the part that differs; `none` for one that does not exist. */
export function inShort(before: string | null, after: string | null): readonly [string, string] {
  if (before === null || after === null) return [oneLine(before), oneLine(after)];
  if (before.length <= longest && after.length <= longest && !`${before}${after}`.includes("\n")) {
    return [before, after];
  }
  const start = commonStart(before, after);
  const shorter = Math.min(before.length, after.length) - start;
  const end = Math.min(commonStart(reversed(before), reversed(after)), shorter);
  const around = 20;
  const part = (text: string): string => {
    const from = Math.max(0, start - around);
    const to = Math.min(text.length, text.length - end + around);
    const kept = oneLine(text.slice(from, to));
    return `${from > 0 ? "…" : ""}${kept}${to < text.length && !kept.endsWith("…") ? "…" : ""}`;
  };
  return [part(before), part(after)];
}

function oneLine(text: string | null): string {
  if (text === null) return "none";
  const line = text.replaceAll(/\s+/g, " ").trim();
  return line.length > longest ? `${line.slice(0, longest)}…` : line;
}

function commonStart(one: string, other: string): number {
  let index = 0;
  while (index < one.length && index < other.length && one[index] === other[index]) index += 1;
  return index;
}

function reversed(text: string): string {
  return text.split("").reverse().join("");
}
