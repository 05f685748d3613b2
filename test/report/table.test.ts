import { expect, test } from "vitest";
import { formatGroups, formatTable } from "../../src/report/terminal/table.ts";

const head = ["step", "strongest lock", "on", "size"];
const rows = [
  [
    "day1/leads/constraints",
    "ACCESS EXCLUSIVE",
    "leads, organizations, organization_users",
    "1.2 GB",
  ],
  ["day1/a_table_with_quite_a_long_name_of_its_own/backfill", "ROW EXCLUSIVE", "leads", "120 MB"],
];
const numbers = ["1.2 GB", "120 MB"];

test("a pipe has no width: nothing is cut", () => {
  const table = formatTable(head, rows, [3], undefined);
  expect(table).not.toContain("…");
  for (const cell of rows.flat()) expect(table).toContain(cell);
});

test.each([40, 60, 80, 120, 160, 200])(
  "a table stays within %i columns, numbers whole",
  (width) => {
    const lines = formatTable(head, rows, [3], width).split("\n");
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(width);
    for (const number of numbers) expect(lines.join("\n")).toContain(number);
    // No row is broken over lines, unless each is a list.
    expect(lines).toHaveLength(width === 40 ? 8 : 4);
  },
);

test("the last text is cut first", () => {
  expect(formatTable(head, rows, [3], 100)).toMatchInlineSnapshot(`
    "step                                                     strongest lock    on                   size
    ────────────────────────────────────────────────────────────────────────────────────────────────────
    day1/leads/constraints                                   ACCESS EXCLUSIVE  leads, organizat…  1.2 GB
    day1/a_table_with_quite_a_long_name_of_its_own/backfill  ROW EXCLUSIVE     leads              120 MB"
  `);
});

test("where nothing else does, each row is a list", () => {
  expect(formatTable(head, rows, [3], 40)).toMatchInlineSnapshot(`
    "day1/leads/constraints
      strongest lock  ACCESS EXCLUSIVE
      on              leads, organizations,…
      size            1.2 GB
    day1/a_table_with_quite_a_long_name_of_…
      strongest lock  ROW EXCLUSIVE
      on              leads
      size            120 MB"
  `);
});

test("a table without rows is its heading", () => {
  expect(formatTable(head, [], [3], 40)).toContain("step");
});

test.each([60, 120])(
  "groups stand below their titles, their columns below each other, in %i columns",
  (width) => {
    const groups = [
      { title: "src/leads.ts", rows: [["7", "select leads", "unfenced"]] },
      {
        title: "src/hooks/campaigns.ts",
        rows: [
          ["5", "insert campaigns", "fenced"],
          ["120", "select\n  campaigns", "fenced"],
        ],
      },
    ];
    expect(formatGroups(["line", "what", "state"], groups, [0], width)).toBe(
      [
        "line  what              state",
        "─".repeat(32),
        "src/leads.ts",
        "   7  select leads      unfenced",
        "src/hooks/campaigns.ts",
        "   5  insert campaigns  fenced",
        " 120  select campaigns  fenced",
      ].join("\n"),
    );
  },
);
