import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { rollBackAll, rollOut } from "../../examples/program/roll-out.ts";
import { readSnapshot } from "../../src/catalog/snapshot.ts";
import { AppError, openWorkspace, runStages } from "../../src/index.ts";
import { createDatabase } from "../setup/database.ts";
import { makeProject } from "../setup/project.ts";
import { makeSmallCompany, smallCompany } from "../setup/small-company.ts";

test("a program runs the three days, verifies them and rolls them back by import alone", async () => {
  const { url, session } = await createDatabase("three days by import");
  await makeSmallCompany(session);
  const before = (await readSnapshot(session)).fingerprint.digest;
  const { folder } = await makeProject(url, smallCompany);
  const told: string[] = [];
  await rollOut({ url, config: smallCompany, folder }, (line) => told.push(line));
  expect(told.filter((line) => /^day\d: \d+ steps planned$/.test(line))).toHaveLength(3);
  expect(told).toContainEqual(expect.stringMatching(/^day1\/leads\/\w+: \d+ ms$/));
  expect(told.slice(-3)).toEqual(["day1: applied", "day2: applied", "day3: applied"]);

  await rollBackAll(url, smallCompany, folder);
  expect((await readSnapshot(session)).fingerprint.digest).toBe(before);
});

test("a program is asked before a stage begins, and what it refuses changes nothing", async () => {
  const { url, session } = await createDatabase("a program refuses");
  await makeSmallCompany(session);
  const before = (await readSnapshot(session)).fingerprint.digest;
  const { folder } = await makeProject(url, smallCompany);
  const refusal = new AppError({
    code: "CONFIRMATION_NEEDED",
    object: "the change board",
    fault: "said no",
    state: "nothing was changed",
    next: "ask again",
  });
  const asked: unknown[] = [];
  const questions = {
    confirm: async (what: { readonly kind: string }) => {
      asked.push(what.kind);
      throw refusal;
    },
  };
  const running = openWorkspace({ url, config: smallCompany, folder, questions }, (workspace) =>
    runStages(workspace, { stage: "day1" }),
  );
  await expect(running).rejects.toBe(refusal);
  expect(asked).toEqual(["run"]);
  expect((await readSnapshot(session)).fingerprint.digest).toBe(before);
});

test("the page on programs shows the example as it is run here", async () => {
  const example = await readFile("examples/program/roll-out.ts", "utf8");
  expect(await readFile("docs/api.md", "utf8")).toContain(example);
});
