import { expect, test } from "vitest";
import { parseSettings } from "../../src/config/load.ts";
import { beginRun } from "../../src/journal/journal.ts";
import { createJournal } from "../../src/journal/schema.ts";
import { readOutlines, readSteps, stepReader, verifySteps } from "../../src/journal/steps.ts";
import { openSession } from "../../src/postgres/connection.ts";
import { sql } from "../../src/postgres/sql.ts";
import type { Step } from "../../src/steps/model/step.ts";
import { tenancyFrom } from "../../src/steps/model/tenancy.ts";
import { createDatabase } from "../setup/database.ts";
import { smallCompany } from "../setup/small-company.ts";

const fences = Array.from({ length: 250 }, (_, index) => {
  const name = `table_${index + 1}`;
  return { relation: { schema: "public", name }, label: name };
});

const steps = fences.map(
  ({ relation }, index): Step => ({
    id: `day1/${relation.name}/column`,
    title: "add the column",
    mode: "transaction",
    table: relation,
    lane: { name: relation.name, after: [] },
    lock: { level: "ACCESS EXCLUSIVE", on: [relation] },
    up: [sql`SELECT ${index}`],
    down: { kind: "exact", sql: [sql`SELECT ${index + 1}`] },
    verify: [{ claim: "it is there", violations: sql`SELECT WHERE FALSE`, lasting: true }],
  }),
);

/** A journal with a run of more steps than are read or written at once. */
async function journaledRun(name: string) {
  const { session, url } = await createDatabase(name);
  await createJournal(session);
  const runId = await session.transaction((queries) =>
    beginRun(queries, {
      ...{ stage: "day1", title: "a test", planDigest: "", tenantryVersion: "0" },
      ...{ backupFolder: "none", gitTag: null, fingerprint: { digest: "", entries: [] } },
      ...{ steps, fences, personas: [], criteria: [], guards: [] },
      tenancy: tenancyFrom(parseSettings(smallCompany, "the test"), "bigint"),
      predicted: { "day1/table_130/column": { milliseconds: 130, grownBytes: null } },
    }),
  );
  return { session, url, runId };
}

test("the journal gives back all steps of a long run in their order, with what was predicted of them", async () => {
  const { session, runId } = await journaledRun("long run");
  const read = await readSteps(session, runId);
  expect(read.map(({ position }) => position)).toEqual(steps.map((_, index) => index + 1));
  expect(read.map(({ definition }) => definition)).toEqual(steps);
  const predicted = read.filter(({ predictedMilliseconds }) => predictedMilliseconds !== null);
  expect(predicted).toMatchObject([{ position: 130, predictedMilliseconds: 130 }]);
});

test("the outline of a step has all that is shown of it, and none of its statements", async () => {
  const { session, runId } = await journaledRun("outlines");
  const outlines = await readOutlines(session, runId);
  expect(outlines.map(({ definition }) => definition)).toEqual(
    steps.map(({ id, title, mode, table, lane, lock }) => ({ id, title, mode, table, lane, lock })),
  );
});

test("backwards too, no more than a hundred steps are read at once", async () => {
  const { session, url, runId } = await journaledRun("in turn");
  const order = (await readOutlines(session, runId)).reverse();
  const read: string[] = [];
  const observe = ({ text }: { readonly text: string }) => void read.push(text);
  const observed = await openSession({ url, observe });
  read.length = 0;
  const turn = stepReader(observed, runId, order);
  for (const { position } of order) expect((await turn(position)).position).toBe(position);
  await observed.close();
  expect(read).toHaveLength(3);
});

test("a step that somebody edited into one that cannot be undone is refused, wherever it is", async () => {
  const { session, runId } = await journaledRun("edited");
  await session.execute(
    sql`UPDATE tenantry.step SET definition = definition - 'down' WHERE position = 240`,
  );
  await expect(verifySteps(session, runId)).rejects.toMatchObject({ code: "JOURNAL_INCOMPATIBLE" });
});
