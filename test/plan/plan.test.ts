import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readSnapshot, type Snapshot } from "../../src/catalog/snapshot.ts";
import { parseSettings } from "../../src/config/load.ts";
import type { Config } from "../../src/config/schema.ts";
import { AppError } from "../../src/errors.ts";
import { type Plan, planStages } from "../../src/plan/plan.ts";
import { toScript } from "../../src/postgres/sql.ts";
import { type Step, statementsOf, stepSchema } from "../../src/steps/model/step.ts";
import { stages } from "../../stages/index.ts";
import { makeDatabase, type TestDatabase } from "../setup/database.ts";
import { companyConfig, companyTables } from "./company.ts";

let database: TestDatabase;
let snapshot: Snapshot;

beforeAll(async () => {
  database = await makeDatabase("plans");
  for (const statement of companyTables) await database.session.execute(statement);
  snapshot = await readSnapshot(database.session);
});

afterAll(() => database.drop());

function plan(config: Config, from: Snapshot = snapshot): Plan {
  return planStages(parseSettings(config, "the test"), from, stages, { origin: "the test" });
}

function faultsOf(config: Config): readonly string[] {
  try {
    plan(config);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    expect(error.code).toBe("CONFIG_INVALID");
    return error.details;
  }
  return [];
}

const { day1, day2, exemptTables, sharedTables } = companyConfig;

describe("a plan is the same twice", () => {
  test("whatever the configuration says, from the same catalog and from the catalog read again", async () => {
    const again = await readSnapshot(database.session);
    const choice = fc.record({
      smallTableInBytes: fc.constantFrom(0, 4096, 1024 * 1024),
      organizationColumn: fc.constantFrom("organization_id", "tenant", 'the "tenant"'),
      forceRowSecurity: fc.boolean(),
      access: fc.constantFrom("members" as const, "admins" as const),
      left: fc.subarray(["comments", "prices", "fenced", "half_done"] as const),
    });
    fc.assert(
      fc.property(choice, ({ smallTableInBytes, organizationColumn, left, ...rest }) => {
        const tables = Object.fromEntries(
          Object.entries(day2.tables).filter(([name]) => !left.some((one) => one === name)),
        );
        const exempt = Object.fromEntries(left.map((name) => [name, "left out this time"]));
        const config: Config = {
          ...companyConfig,
          names: { organizationColumn },
          online: { smallTableInBytes },
          forceRowSecurity: rest.forceRowSecurity,
          day1: { tables: { projects: { user: "person_id", access: rest.access } } },
          day2: { tables },
          exemptTables: { ...exemptTables, ...exempt },
        };
        const first = plan(config);
        expect(plan(structuredClone(config))).toEqual(first);
        expect(plan(config, again).digest).toBe(first.digest);
      }),
      { numRuns: 50 },
    );
  });

  test("and another one where one word of the configuration is another", () => {
    const { digest } = plan(companyConfig);
    const other = { ...companyConfig, defaultOrganization: { name: "Other", slug: "other" } };
    expect(plan(other).digest).not.toBe(digest);
  });

  test("and plain data, which the journal gives back as it was", () => {
    for (const { steps } of plan(companyConfig).stages) {
      for (const step of steps) {
        expect(stepSchema.parse(JSON.parse(JSON.stringify(step)))).toEqual(step);
      }
    }
  });

  test("with each step's id only once", () => {
    const ids = plan(companyConfig).stages.flatMap(({ steps }) => steps.map(({ id }) => id));
    expect(ids).toEqual([...new Set(ids)]);
  });
});

test("parents come before the tables that get their organization from them", () => {
  const { comments: _, tasks: __, ...others } = day2.tables;
  const ids = plan({
    ...companyConfig,
    day1: {
      tables: { comments: { via: "task_id" }, tasks: { via: "project_id" }, ...day1.tables },
    },
    day2: { tables: others },
  }).stages[0]?.steps.map(({ id }) => id);
  expect(ids?.slice(-3).map((id) => id.split("/")[1])).toEqual(["projects", "tasks", "comments"]);
});

function sqlOf(step: Step): string {
  if (step.mode === "application") throw new Error("a plan of the database alone changes no files");
  const up = step.mode === "transaction" ? step.up : [step.up];
  const down =
    step.down.kind === "covered"
      ? [`-- with ${step.down.by}`]
      : statementsOf(step.down).map(toScript);
  return `-- ${step.id}: ${step.title}\n${up.map(toScript).join("\n")}\n-- undone by\n${down.join("\n")}`;
}

describe.each([
  ["over the limit", -1],
  ["under the limit", 1024 * 1024],
] as const)("the statements for a table %s", (_title, limit) => {
  test.each(["projects", "tasks", "comments", "prices", "fenced", "half_done", "sales.orders"])(
    "%s",
    (table) => {
      // An empty table has no size: only a plan made by hand has it over the limit.
      const sized = {
        ...snapshot,
        relations: snapshot.relations.map((one) => ({ ...one, bytes: limit < 0 ? 8192 : 0 })),
      };
      const config = { ...companyConfig, online: { smallTableInBytes: Math.max(0, limit) } };
      const steps = plan(config, sized)
        .stages.flatMap((stage) => stage.steps)
        .filter(({ id }) => id.split("/")[1] === table);
      expect(steps.length).toBeGreaterThan(0);
      expect(steps.map(sqlOf).join("\n\n")).toMatchSnapshot();
    },
  );
});

describe("what does not fit the database", () => {
  test("is said all at once, with where it is and the nearest name that is there", () => {
    const faults = faultsOf({
      ...companyConfig,
      users: { table: "peeple", owners: "TRUE" },
      roles: { signedIn: "pg_monitr", anonymous: "nobody at all" },
      day1: { tables: { projets: { user: "person_id" } } },
      day2: {
        tables: {
          ...day2.tables,
          comments: { user: "auther" },
          open_tasks: "default",
          numbered: "default",
        },
      },
      exemptTables: { people: "the users", hens: "no tenant's" },
    });
    expect(faults).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^users\.table: no such table.*did you mean people\?/),
        expect.stringMatching(
          /^roles\.signedIn: the role pg_monitr does not exist → did you mean pg_monitor\?/,
        ),
        expect.stringMatching(/^roles\.anonymous: the role nobody at all does not exist/),
        expect.stringMatching(/^day1\.tables\.projets: no such table.*did you mean projects\?/),
        expect.stringMatching(
          /^day2\.tables\.comments: has no column auther → did you mean author\?/,
        ),
        expect.stringMatching(/^day2\.tables\.open_tasks: is a view/),
        expect.stringMatching(
          /^day2\.tables\.numbered: has a column organization_id of type integer/,
        ),
        expect.stringMatching(/^eggs: is not named in the configuration/),
        expect.stringMatching(/^projects: is not named in the configuration/),
      ]),
    );
    // tasks gets its organization from projects, which is named wrongly above.
    expect(faults).toHaveLength(10);
  });

  test.each([
    [
      "itself",
      { tasks: { via: "next_task" } },
      /^day2\.tables\.tasks: gets its organization from itself, through tasks/,
    ],
    [
      "a circle of two",
      { hens: { via: "egg" }, eggs: { via: "hen" } },
      /gets its organization from itself, through (hens → eggs → hens|eggs → hens → eggs)/,
    ],
    [
      "a shared table",
      { tasks: { via: "country" } },
      /^day2\.tables\.tasks: .*from countries, which is not a tenant table/,
    ],
    [
      "a column that references nothing",
      { comments: { via: "author" } },
      /^day2\.tables\.comments: has no foreign key on the single column author/,
    ],
  ] as const)("an organization from %s is refused", (_title, tables, fault) => {
    const named = Object.keys(tables);
    const exempt = Object.entries(exemptTables).filter(([name]) => !named.includes(name));
    const faults = faultsOf({
      ...companyConfig,
      day2: { tables: { ...day2.tables, ...tables } },
      exemptTables: Object.fromEntries(exempt),
    });
    expect(faults).toEqual([expect.stringMatching(fault)]);
  });

  test("an organization from a table of a later day is refused, with the day to name it in", () => {
    const { tasks, ...others } = day2.tables;
    expect(
      faultsOf({
        ...companyConfig,
        day1: { tables: { tasks } },
        day2: { tables: { ...others, ...day1.tables } },
      }),
    ).toEqual([
      "day1.tables.tasks: gets its organization via project_id from projects, which becomes a tenant table on Day 2 → name projects in day1.tables or an earlier day",
    ]);
  });

  test("a missing table may be skipped, and a table that nobody named be warned of", () => {
    const { notices } = plan({
      ...companyConfig,
      day2: { tables: { ...day2.tables, gone: "default" } },
      sharedTables: { ...sharedTables },
      exemptTables: { people: "the users" },
      missingTables: "skip",
      unlistedTables: "warn",
    });
    expect(notices).toEqual(
      expect.arrayContaining([
        "gone does not exist and is skipped",
        expect.stringMatching(/^hens is not named in the configuration.*open to every tenant$/),
      ]),
    );
  });

  test("a shared table that is not there is a fault, and not an error of SQL on Day 3", () => {
    const faults = faultsOf({
      ...companyConfig,
      sharedTables: { ...sharedTables, contries: "misspelt" },
    });
    expect(faults).toEqual([expect.stringMatching(/contries.*did you mean countries\?/)]);
  });

  test("users that no foreign key can reference are a fault, before a backup is made", () => {
    const users = (table: string, id: string) =>
      faultsOf({ ...companyConfig, users: { table, id, owners: "TRUE" } });
    expect(users("open_tasks", "id")).toEqual([
      expect.stringMatching(
        /^users\.table: open_tasks is a view, which no foreign key can reference/,
      ),
    ]);
    expect(users("people", "email")).toEqual([
      expect.stringMatching(/^users\.id: people\.email is not unique.*ADD UNIQUE \(email\)/),
    ]);
  });
});

test("tables are lanes of their own: a child's comes after its parent's, and what SQL fills is alone", () => {
  const { comments: _, tasks: __, prices: ___, ...others } = day2.tables;
  const { stages: planned } = plan({
    ...companyConfig,
    day1: {
      tables: {
        comments: { via: "task_id" },
        tasks: { via: "project_id" },
        prices: { sql: "(SELECT id FROM organizations LIMIT 1)" },
        ...day1.tables,
      },
    },
    day2: { tables: others },
  });
  const steps = planned[0]?.steps ?? [];
  const lanes = new Map(steps.map(({ id, lane }) => [id.split("/")[1], lane]));
  expect(lanes.get("helpers")).toBeUndefined();
  expect(lanes.get("organizations")).toBeUndefined();
  expect(lanes.get("prices")).toBeUndefined();
  expect(lanes.get("projects")).toEqual({ name: "projects", after: [] });
  expect(lanes.get("tasks")).toEqual({ name: "tasks", after: ["projects"] });
  expect(lanes.get("comments")).toEqual({ name: "comments", after: ["tasks"] });
  for (const { steps: ofDay3 } of planned.slice(2)) {
    expect(ofDay3.filter(({ lane }) => lane !== undefined)).toEqual([]);
  }
});
