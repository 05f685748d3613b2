import Table from "cli-table3";

const bare = {
  top: "",
  "top-mid": "",
  "top-left": "",
  "top-right": "",
  bottom: "",
  "bottom-mid": "",
  "bottom-left": "",
  "bottom-right": "",
  left: "",
  "left-mid": "",
  mid: "─",
  "mid-mid": "──",
  right: "",
  "right-mid": "",
  middle: "  ",
};

/** No text is cut shorter than this: it would not be readable. */
const leastColumns = 12;

type Rows = readonly (readonly string[])[];

/** Rows that are about one thing. */
export type Group = { readonly title: string; readonly rows: Rows };

/**
 * Rows under a heading, without frames, so that a line can be copied or searched for. Where a
 * terminal is too narrow, texts are cut, the last column's first, and the first column's last;
 * numbers never are. Where that does not do, each row becomes a list.
 * @param numeric which columns hold numbers, from 0
 * @param width the terminal's, in columns; a pipe has none
 */
export function formatTable(
  head: readonly string[],
  rows: Rows,
  numeric: readonly number[] = [],
  width: number | undefined = process.stdout.columns,
): string {
  const whole = draw(head, rows, numeric, []);
  if (width === undefined || sumOf(whole.widths) <= width) return whole.text;
  const narrowed = narrow(whole.widths, numeric, width);
  return narrowed === undefined
    ? listRows(head, rows, width)
    : draw(head, rows, numeric, narrowed).text;
}

/** The same for groups, each below its title, with the columns of all under each other. */
export function formatGroups(
  head: readonly string[],
  groups: readonly Group[],
  numeric: readonly number[] = [],
  width: number | undefined = process.stdout.columns,
): string {
  // A cell with line breaks would not be one line of the table.
  const rows = groups.map((group) => group.rows.map((row) => row.map(onOneLine)));
  const whole = draw(head, rows.flat(), numeric, []);
  const fits = width === undefined || sumOf(whole.widths) <= width;
  const narrowed = fits ? whole.widths : narrow(whole.widths, numeric, width);
  const titled = (group: Group, lines: readonly string[]) => [group.title, ...lines].join("\n");
  if (narrowed === undefined) {
    const lists = groups.map((group, index) =>
      titled(group, [listRows(head, rows[index] ?? [], width ?? 0)]),
    );
    return lists.join("\n");
  }
  const [heading = "", rule = "", ...lines] = draw(head, rows.flat(), numeric, narrowed).text.split(
    "\n",
  );
  let next = 0;
  const parts = groups.map((group) => {
    const own = lines.slice(next, next + group.rows.length);
    next += group.rows.length;
    return titled(group, own);
  });
  return [heading, rule, ...parts].join("\n");
}

function onOneLine(cell: string): string {
  return cell.replaceAll(/\s*\n\s*/g, " ");
}

function draw(
  head: readonly string[],
  rows: Rows,
  numeric: readonly number[],
  widths: readonly number[],
): { readonly text: string; readonly widths: readonly number[] } {
  const table = new Table({
    head: [...head],
    chars: bare,
    style: { head: [], border: [], compact: true, "padding-left": 0, "padding-right": 0 },
    colAligns: head.map((_, index) => (numeric.includes(index) ? "right" : "left")),
    colWidths: [...widths],
  });
  for (const row of rows) table.push([...row]);
  const lines = table.toString().split("\n");
  return {
    text: lines.map((line) => line.trimEnd()).join("\n"),
    // Drawing it has filled in the widths that were not given.
    widths: table.options.colWidths.map((width) => width ?? 0),
  };
}

/** Narrower columns that fit; undefined where none do. */
function narrow(
  widths: readonly number[],
  numeric: readonly number[],
  width: number,
): readonly number[] | undefined {
  const narrowed = [...widths];
  for (let column = widths.length - 1; column >= 0; column -= 1) {
    const excess = sumOf(narrowed) - width;
    if (excess <= 0) break;
    const own = narrowed[column] ?? 0;
    if (!numeric.includes(column))
      narrowed[column] = Math.max(own - excess, Math.min(own, leastColumns));
  }
  return sumOf(narrowed) <= width ? narrowed : undefined;
}

/** The whole table's width: two spaces stand between columns. */
function sumOf(widths: readonly number[]): number {
  return widths.reduce((sum, one) => sum + one + bare.middle.length, -bare.middle.length);
}

/** Each row as its first cell, and the others below it with their headings. */
function listRows(head: readonly string[], rows: Rows, width: number): string {
  const label = Math.max(...head.slice(1).map((heading) => heading.length));
  const lines = rows.flatMap(([first = "", ...others]) => [
    cut(first, width),
    ...others.flatMap((cell, index) =>
      cell === "" ? [] : [cut(`  ${(head[index + 1] ?? "").padEnd(label)}  ${cell}`, width)],
    ),
  ]);
  return lines.map((line) => line.trimEnd()).join("\n");
}

function cut(line: string, width: number): string {
  return line.length <= width ? line : `${line.slice(0, width - 1)}…`;
}
