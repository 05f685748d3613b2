import { stripVTControlCharacters } from "node:util";
import { expect, test } from "vitest";
import type { CheckResult, TriedOutcome } from "../../src/events/verification.ts";
import { showMatrix } from "../../src/report/terminal/matrix.ts";

function tried(table: string, persona: string, UPDATE: TriedOutcome): CheckResult {
  const commands = {
    SELECT: "held",
    INSERT: "held",
    UPDATE,
    DELETE: "held",
    TRUNCATE: "untried",
  } as const;
  return { claim: `${table} as ${persona}`, violations: [], trial: { table, persona, commands } };
}

const results = [
  tried("leads", "User A (Alpha Corp, owner)", "open"),
  tried("leads", "user of no organization", "held"),
  tried("calls", "User A (Alpha Corp, owner)", "held"),
];

test("who got through with which command on which table is seen at a glance", () => {
  const shown = stripVTControlCharacters(showMatrix(results, 80));
  expect(shown).toMatchInlineSnapshot(`
    "table  1      2
    ───────────────────
    leads  SI✘D·  SIUD·
    calls  SIUD·
      1  User A (Alpha Corp, owner)
      2  user of no organization
      S SELECT, I INSERT, U UPDATE, D DELETE, T TRUNCATE; ✘ got through, · not tried
    "
  `);
});

test("130 tables fit a terminal of 40 columns", () => {
  const many = Array.from({ length: 130 }, (_, index) =>
    ["member", "stranger", "both"].map((persona) =>
      tried(`customer_data_${index}`, persona, "held"),
    ),
  ).flat();
  const lines = stripVTControlCharacters(showMatrix(many, 40)).split("\n");
  expect(lines.filter((line) => line.startsWith("customer_data_"))).toHaveLength(130);
  expect(lines.slice(0, 132).filter((line) => line.length > 40)).toEqual([]);
});
