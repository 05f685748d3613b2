import { afterAll, beforeAll, expect, test } from "vitest";
import { makeDatabase, type TestDatabase } from "../setup/database.ts";
import { makeSmallCompany, smallCompany } from "../setup/small-company.ts";
import { editedCopy } from "./edited-database.ts";
import { contentOf, filesIn, folderWith, refusalOf, tenantryIn } from "./in-this-process.ts";

const files = { "tenantry.config.json": JSON.stringify(smallCompany) };

let original: TestDatabase;

beforeAll(async () => {
  original = await makeDatabase("a journal that is edited");
  await makeSmallCompany(original.session, 50);
});

afterAll(async () => {
  await original.drop();
});

test("day1 is applied, as all that follows needs it", async () => {
  const folder = await folderWith(files);
  const environment = { DATABASE_URL: original.url };
  const outcome = await tenantryIn(folder, environment, ["run", "--stage", "day1", "--yes"]);
  expect([outcome.code, outcome.stderr]).toEqual([0, expect.anything()]);
  // Nobody may be connected to what a database is made from.
  await original.session.close();
});

type Edit = readonly [what: string, statement: string, says: RegExp];

const asking = ["status", "--stage day1 --verify", "plan", "audit --drift"];
const steps = ["rollback --yes", "rollback --print-sql", "status --steps"];
const rolling = ["rollback --yes", "rollback --all --yes"];

const editedRun = /has rows in its table run that Tenantry did not write/;
const editedStep = /has rows in its table step that Tenantry did not write/;

const runs: readonly Edit[] = [
  ["is of a later version", "UPDATE tenantry.journal SET version = 99", /is of version 99/],
  ["is of a negative version", "UPDATE tenantry.journal SET version = -3", /is of version -3/],
  ["is of no version", "DELETE FROM tenantry.journal", /is of version none/],
  ["is of two versions", "INSERT INTO tenantry.journal (version) VALUES (5)", /is of version 4, 5/],
  ["has no table journal", "DROP TABLE tenantry.journal", /lacks its table journal/],
  ["has no table lease", "DROP TABLE tenantry.lease", /lacks its table lease/],
  ["has no table step", "DROP TABLE tenantry.step", /lacks its table step/],
  ["has no table run", "DROP TABLE tenantry.run CASCADE", /lacks its table run/],
  [
    "is an empty schema",
    "DROP TABLE tenantry.journal, tenantry.lease, tenantry.run, tenantry.step, tenantry.fence_state",
    /lacks its table journal, table lease, table run, table step/,
  ],
  [
    "has a view for its runs",
    "ALTER TABLE tenantry.run RENAME TO old; CREATE VIEW tenantry.run AS TABLE tenantry.old",
    /lacks its table run/,
  ],
  [
    "lacks a column of its runs",
    "ALTER TABLE tenantry.run DROP COLUMN fences",
    /lacks a column of its table run/,
  ],
  ["has a stage that is none", "UPDATE tenantry.run SET stage = 'day9'", editedRun],
  [
    "has a state that is none",
    "ALTER TABLE tenantry.run DROP CONSTRAINT run_state_check; UPDATE tenantry.run SET state = 'paused'",
    editedRun,
  ],
  [
    "has no state",
    "ALTER TABLE tenantry.run ALTER COLUMN state DROP NOT NULL; UPDATE tenantry.run SET state = NULL",
    editedRun,
  ],
  ["has an empty tenancy", "UPDATE tenantry.run SET tenancy = '{}'", editedRun],
  ["has null for its tenancy", "UPDATE tenantry.run SET tenancy = 'null'", editedRun],
  ["has a text for its tenancy", "UPDATE tenantry.run SET tenancy = '\"x\"'", editedRun],
  ["has fences that are no list", "UPDATE tenantry.run SET fences = '{}'", editedRun],
  ["has fences without a relation", "UPDATE tenantry.run SET fences = '[{}]'", editedRun],
  ["has personas that are numbers", "UPDATE tenantry.run SET personas = '[1, 2]'", editedRun],
  [
    "has criteria without SQL",
    'UPDATE tenantry.run SET criteria = \'[{"claim": "x"}]\'',
    editedRun,
  ],
  ["has guards that are texts", "UPDATE tenantry.run SET guards = '[\"x\"]'", editedRun],
  [
    "has its start as a text",
    "ALTER TABLE tenantry.run ALTER COLUMN started_at DROP DEFAULT, ALTER COLUMN started_at TYPE text",
    editedRun,
  ],
];

const editedSteps: readonly Edit[] = [
  [
    "lacks a step in the middle",
    "DELETE FROM tenantry.step WHERE position = 3",
    /lacks step 3 of its run 1/,
  ],
  [
    "lacks its first step",
    "DELETE FROM tenantry.step WHERE position = 1",
    /lacks step 1 of its run 1/,
  ],
  ["lacks all of its steps", "DELETE FROM tenantry.step", /lacks all steps of its run 1/],
  [
    "has a step from position 0",
    "UPDATE tenantry.step SET position = 0 WHERE position = 1",
    /lacks step 1/,
  ],
  [
    "has an empty definition",
    "UPDATE tenantry.step SET definition = '{}' WHERE position = 2",
    editedStep,
  ],
  [
    "has null for a definition",
    "UPDATE tenantry.step SET definition = 'null' WHERE position = 2",
    editedStep,
  ],
  [
    "has a step without an inverse",
    "UPDATE tenantry.step SET definition = definition - 'down' WHERE position = 2",
    editedStep,
  ],
  [
    "has a step with an empty inverse",
    "UPDATE tenantry.step SET definition = jsonb_set(definition, '{down,sql}', '[]') WHERE position = 1",
    editedStep,
  ],
  [
    "has a step of another mode",
    "UPDATE tenantry.step SET definition = jsonb_set(definition, '{mode}', '\"fast\"') WHERE position = 1",
    editedStep,
  ],
  [
    "has a step that holds another",
    "UPDATE tenantry.step SET definition = (SELECT definition FROM tenantry.step WHERE position = 1) WHERE position = 2",
    editedStep,
  ],
  [
    "has a step of another name",
    "UPDATE tenantry.step SET id = 'mine' WHERE position = 2",
    editedStep,
  ],
  [
    "has a step of a state that is none",
    "ALTER TABLE tenantry.step DROP CONSTRAINT step_state_check; UPDATE tenantry.step SET state = 'maybe'",
    editedStep,
  ],
  [
    "lacks a column of its steps",
    "ALTER TABLE tenantry.step DROP COLUMN next_page",
    /lacks a column of its table step/,
  ],
];

const fingerprints: readonly Edit[] = [
  ["has an empty fingerprint", "UPDATE tenantry.run SET fingerprint = '{}'", editedRun],
  ["has a text for its fingerprint", "UPDATE tenantry.run SET fingerprint = '\"x\"'", editedRun],
  ["lacks the row of its lease", "DELETE FROM tenantry.lease", /lacks the row of its table lease/],
];

const cases = [
  ...runs.map((edit, index) => ({
    edit,
    commands: ["run --yes", "rollback --yes", asking[index % asking.length] ?? ""],
  })),
  ...editedSteps.map((edit) => ({ edit, commands: steps })),
  ...fingerprints.map((edit) => ({ edit, commands: rolling })),
].map(({ edit: [what, statement, says], commands }) => ({ what, statement, says, commands }));

test.each(cases)(
  "a journal that $what is refused, and nothing is changed by whoever asked",
  async ({ statement, says, commands }) => {
    const { session, url } = await editedCopy(original, ...statement.split(";"));
    const folder = await folderWith(files);
    const before = { content: await contentOf(session), files: await filesIn(folder) };
    for (const command of commands) {
      const refusal = refusalOf(
        await tenantryIn(folder, { DATABASE_URL: url }, command.split(" ")),
      );
      expect([command, refusal]).toEqual([
        command,
        expect.objectContaining({
          code: "JOURNAL_INCOMPATIBLE",
          fault: expect.stringMatching(says),
        }),
      ]);
    }
    expect({ content: await contentOf(session), files: await filesIn(folder) }).toEqual(before);
  },
);
