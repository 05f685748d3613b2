import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { commandHelp, type Help } from "../../src/cli/help.ts";
import { main } from "../../src/cli/main.ts";
import { program } from "../../src/cli/program.ts";
import { errorsPage } from "../../src/explain/errors-page.ts";
import { allTopics, explain } from "../../src/explain/explain.ts";
import { stepExplanations } from "../../src/explain/steps.ts";
import { explainSqlState } from "../../src/postgres/sql-states.ts";
import { stages } from "../../stages/index.ts";

const topics = allTopics(stages);

test("docs/errors.md is what the code says (npm run docs)", async () => {
  await expect(errorsPage()).toMatchFileSnapshot("../../docs/errors.md");
});

test("every step that there is, and no other, is explained", () => {
  const made = ["src/steps", "stages"].flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".ts"))
      .map((file) => readFileSync(path.join(folder, file), "utf8"))
      .flatMap((text) => [
        ...text.matchAll(/(?:stepId\(table|stepOf\(crossing), "([a-z-]+)"\)/g),
        ...text.matchAll(/\bid: ["`](?:day[123]|\$\{stage\})\/(?:.*\/)?([a-z-]+)["`]/g),
      ])
      .map(([, name]) => name),
  );
  expect([...new Set(made)].sort()).toEqual(Object.keys(stepExplanations).sort());
});

test("a step is explained by its whole identifier, and an error by its code in any case", () => {
  expect(explain("day1/leads/backfill", topics)).toMatchObject([
    { topic: "step", name: "backfill" },
  ]);
  expect(explain("lock_not_granted", topics)).toMatchObject([{ topic: "error" }]);
  expect(explain("day2", topics)).toMatchObject([{ topic: "stage", name: "day2" }]);
  expect(explain("leads/CONFIG_INVALID", topics)).toEqual([]);
});

test("a SQLSTATE without words of its own has those of its class", () => {
  expect(explain("57P01", topics)).toMatchObject([{ name: "57P" }]);
  expect(explain("57P04", topics)).toMatchObject([{ name: "57P04" }]);
  expect(explainSqlState("22012")?.condition).toBe("data exception");
  expect(explainSqlState("ZZ000")).toBeUndefined();
});

test("every command has examples, which the command line understands", () => {
  const words = program().commands.flatMap((command) => [
    command.name(),
    ...command.commands.map((nested) => `${command.name()} ${nested.name()}`),
  ]);
  const own = words.filter((word) => word !== "completion" && word !== "complete");
  expect(own.sort()).toEqual(Object.keys(commandHelp).sort());
  const helps: Readonly<Record<string, Help>> = commandHelp;
  const refused = Object.values(helps)
    .flatMap(({ examples }) => examples)
    .map(([line]) => line)
    .filter((line) => !understood(line.split(" ").slice(1)));
  expect(refused).toEqual([]);
});

/** Whether the parser takes all of it; the action itself is not run. */
function understood(argv: readonly string[]): boolean {
  const root = program();
  let reached = false;
  for (const command of [root, ...root.commands, ...root.commands.flatMap((one) => one.commands)]) {
    command.action(() => {
      reached = command.args.length === 0 || command.registeredArguments.length > 0;
    });
  }
  root.parse([...argv], { from: "user" });
  return reached;
}

const mistyped: readonly [argv: string[], said: string][] = [
  [["rnu"], "did you mean run?"],
  [["backup", "lsit"], "did you mean list?"],
  [["run", "--stage", "dya2"], "did you mean day2?"],
  [["plan", "--sqll"], "Did you mean --sql?"],
  [["explain", "LOCK_NOT_GRANTE"], "did you mean tenantry explain lock_not_granted?"],
  [["explain", "day1/leads/bakfill"], "did you mean tenantry explain backfill?"],
];

test.each(mistyped)("%j is refused with what it was meant to be", async (argv, said) => {
  const lines: string[] = [];
  const write = process.stdout.write.bind(process.stdout);
  process.stdout.write = (text) => lines.push(String(text)) > 0;
  try {
    expect(await main([...argv, "--json"])).toBe(2);
  } finally {
    process.stdout.write = write;
  }
  expect(lines.join("")).toContain(said);
});
