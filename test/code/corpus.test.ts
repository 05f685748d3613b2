import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { stateOf, states } from "../../src/code/fence/fence.ts";
import { type Inventory, takeInventory } from "../../src/code/queries/inventory.ts";
import type { Entry } from "../../src/code/queries/inventory-entry.ts";
import type { CodeFile, Project } from "../../src/code/reading/project.ts";
import { rules } from "../../src/code/rules.ts";
import { annotationRules, describe, violationsOf } from "../../src/code/violations.ts";
import { openCorpus, rewritten } from "./corpus.ts";

const project = openCorpus();
const before = takeInventory(project);
const { rewriting, after } = rewritten(project);
const fixtures = project.files.filter(({ source }) => source.text.includes("// expect: "));

/** The expectations that a fixture states in its comments. */
function said({ source }: CodeFile, what: "expect" | "becomes" | "left"): string[] {
  return [...source.text.matchAll(new RegExp(`^// ${what}: (.*)$`, "gm"))].map(
    ([, text = ""]) => text,
  );
}

function entriesIn(inventory: Inventory, { name }: CodeFile): Entry[] {
  return inventory.entries.filter(({ place }) => place.file === name);
}

function rulesOf(inventory: Inventory, entry: Entry | undefined): string[] {
  return violationsOf(inventory)
    .filter((finding) => finding.entry !== undefined && finding.entry === entry)
    .map(({ rule }) => rule.id);
}

/** `insert leads user-key (map) unfenced → fenced`: the entry, its state, and the state after the rewrite. */
function outcomeOf(entry: Entry, later: Entry | undefined): string {
  const client = "client" in entry ? ` ${entry.client.kind}` : "";
  const form =
    entry.kind === "chain" && entry.payload !== undefined ? ` (${entry.payload.form})` : "";
  const state = stateOf(entry, before);
  const left = rulesOf(after, later);
  const fixed = later === undefined ? "lost" : stateOf(later, after);
  const becomes =
    left.length > 0
      ? `left ${left.join(", ")}`
      : rulesOf(before, entry).length > 0
        ? fixed
        : "unchanged";
  return `${describe(entry)}${client}${form} ${state} → ${becomes}`;
}

test("the corpus has every form that real code has", () => {
  expect(fixtures.length).toBeGreaterThan(120);
});

test.each(fixtures.map((file) => [file.name, file] as const))("%s", (_name, file) => {
  const later = entriesIn(after, file);
  const outcomes = entriesIn(before, file).map((entry, index) => outcomeOf(entry, later[index]));
  const expected = said(file, "expect");
  expect(outcomes).toEqual(expected[0] === "none" ? [] : expected);

  const changed = rewriting.files.find(({ name }) => name === file.name);
  const lines = changed?.after.split("\n").map((line) => line.trim()) ?? [];
  for (const line of said(file, "becomes")) expect(lines).toContain(line);
  const changes = expected.some((one) => !/→ (unchanged|left .*)$|^none$/.test(one));
  expect(changed !== undefined).toBe(changes);

  const annotations = violationsOf(before).filter(
    ({ entry, place }) => entry === undefined && place.file === file.name,
  );
  expect(annotations.map(({ rule }) => rule.id)).toEqual(said(file, "left"));
});

function faultsOf({ program, files }: Project): string[] {
  return files.flatMap(({ source, name }) =>
    [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)].map(
      ({ messageText }) => `${name}: ${JSON.stringify(messageText)}`,
    ),
  );
}

test("what typechecked before does after", () => {
  expect(faultsOf(project)).toEqual([]);
  expect(faultsOf(after.project)).toEqual([]);
});

test("rewriting twice changes nothing more", () => {
  expect(rewritten(after.project).rewriting.files).toEqual([]);
});

test("every finding that is left has a reason and a fix", () => {
  expect(rewriting.left.length).toBeGreaterThan(20);
  for (const { reason, fix } of rewriting.left) {
    expect(reason).not.toBe("");
    expect(fix).not.toBe("");
  }
});

test("only lines of queries are touched: nothing is reformatted", () => {
  for (const { before: old, after: fresh } of rewriting.files) {
    const kept = new Set(fresh.split("\n"));
    const gone = old.split("\n").filter((line) => !kept.has(line));
    expect(gone.length).toBeLessThanOrEqual(3);
  }
});

test("every rule is documented in docs/code.md, and finds something in a fixture", async () => {
  const page = await readFile(new URL("../../docs/code.md", import.meta.url), "utf8");
  const found = new Set(violationsOf(before).map(({ rule }) => rule.id));
  for (const { id, level } of [...rules, ...annotationRules]) {
    expect(page).toContain(`| \`${id}\` | ${level} |`);
    expect(found).toContain(id);
  }
  for (const state of states) expect(page).toContain(`| \`${state}\` |`);
});
