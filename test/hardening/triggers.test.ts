import { describe, expect, onTestFinished, test } from "vitest";
import { readSnapshot } from "../../src/catalog/snapshot.ts";
import { parseSettings } from "../../src/config/load.ts";
import type { Config } from "../../src/config/schema.ts";
import { planStages } from "../../src/plan/plan.ts";
import { openSession, type Session } from "../../src/postgres/connection.ts";
import { raw } from "../../src/postgres/sql.ts";
import { organizationId } from "../../src/steps/model/naming.ts";
import { checksOf } from "../../src/steps/model/step.ts";
import { ask } from "../../src/verify/checks.ts";
import { stages } from "../../stages/index.ts";
import { createDatabase } from "../setup/database.ts";
import { oldestAndNewest, serverOf } from "../setup/majors.ts";
import { makeSmallCompany, smallCompany } from "../setup/small-company.ts";
import { daysOn } from "../three-days/in-process.ts";

const long = { timeout: 300_000 };
const refused = { code: "23503", constraint: "calls_lead_id_fkey" };
const alpha = organizationId("alpha");
/** The organization of person 1, and so of leads 8 and 16. */
const first = organizationId("default-org");
const hardened: Config = { ...smallCompany, hardening: { foreignKeys: ["all"] } };

/** A database in the middle of Day 3: the triggers enforce, and the old key is still in force. */
async function whileEnforced(name: string, server?: string) {
  const { session, url } = await createDatabase(name, server);
  await makeSmallCompany(session, 40);
  await session.execute(
    raw("ALTER TABLE calls ALTER CONSTRAINT calls_lead_id_fkey DEFERRABLE INITIALLY IMMEDIATE"),
  );
  const days = await daysOn(url, hardened);
  await days.run("day1");
  await days.run("day2");
  const plan = planStages(
    parseSettings(hardened, "the test"),
    await readSnapshot(session),
    stages.filter(({ name: stage }) => stage === "day3"),
    { origin: "the test" },
  );
  const steps = plan.stages.flatMap((stage) => stage.steps);
  const execute = async (id: string, direction: "up" | "down") => {
    const step = steps.find((one) => one.id === id);
    if (step === undefined) throw new Error(`${id} is none of ${steps.map((one) => one.id)}`);
    if (step.mode === "online" && direction === "up") await session.execute(step.up);
    if (step.mode !== "transaction") return;
    const statements =
      direction === "up" ? step.up : step.down.kind === "exact" ? step.down.sql : [];
    await session.transaction(async (queries) => {
      for (const statement of statements) await queries.execute(statement);
    });
  };
  await execute("day3/leads/id/organization-key", "up");
  await execute("day3/calls/calls_lead_id_fkey/foreign-key-triggers", "up");
  const other = await openSession({ url });
  onTestFinished(() => other.close());
  return { session, other, steps, execute };
}

/** Statements in one transaction. */
async function together(session: Session, ...statements: readonly string[]): Promise<void> {
  await session.transaction(async (queries) => {
    for (const statement of statements) await queries.execute(raw(statement));
  });
}

describe.for(oldestAndNewest)("PostgreSQL %i", (major) => {
  test(
    "while a foreign key is replaced, no row gets a parent of another organization, in any way",
    long,
    async () => {
      const { session } = await whileEnforced(`enforced ${major}`, (await serverOf(major)).url);
      // Leads 3 and 11 are of Alpha, 8 and 16 of the default organization.
      const call = "INSERT INTO calls (id, lead_id, organization_id) VALUES";
      for (const [way, ...statements] of [
        ["insert", `${call} (1000, 8, '${alpha}')`],
        ["another parent", "UPDATE calls SET lead_id = 8 WHERE id = 3"],
        ["another organization", `UPDATE calls SET organization_id = '${alpha}' WHERE lead_id = 8`],
        ["a parent that moves", `UPDATE leads SET organization_id = '${alpha}' WHERE id = 8`],
        [
          "a parent that is deleted and inserted again",
          "SET CONSTRAINTS calls_lead_id_fkey DEFERRED",
          "DELETE FROM leads WHERE id = 8",
          `INSERT INTO leads (id, person_id, phone, organization_id) VALUES (8, 1, '8', '${alpha}')`,
        ],
      ] as const) {
        await expect(together(session, ...statements), way).rejects.toMatchObject(refused);
      }
    },
  );
});

test(
  "while a foreign key is replaced, transactions that end in one organization are let through",
  long,
  async () => {
    const { session, execute } = await whileEnforced("enforced for the rest");
    await together(session, "INSERT INTO calls (id, lead_id) SELECT 1000, 8");
    await together(
      session,
      `INSERT INTO calls (id, lead_id, organization_id) VALUES (1001, 8, '${alpha}')`,
      "UPDATE calls SET organization_id = leads.organization_id FROM leads WHERE leads.id = lead_id AND calls.id = 1001",
    );
    await together(
      session,
      `INSERT INTO calls (id, lead_id, organization_id) VALUES (1002, 8, '${alpha}')`,
      "DELETE FROM calls WHERE id = 1002",
    );
    await together(
      session,
      `UPDATE leads SET organization_id = '${alpha}' WHERE id = 16`,
      `UPDATE calls SET organization_id = '${alpha}' WHERE lead_id = 16`,
    );
    await together(
      session,
      "DELETE FROM calls WHERE lead_id = 24",
      "DELETE FROM leads WHERE id = 24",
    );
    await together(session, "UPDATE leads SET phone = 'another' WHERE id = 8");
    const key = "day3/calls/calls_lead_id_fkey";
    await execute(`${key}/foreign-key`, "up");
    await execute(`${key}/validate-foreign-key`, "up");
    await expect(
      together(session, `UPDATE leads SET organization_id = '${alpha}' WHERE id = 8`),
    ).rejects.toMatchObject(refused);
    await execute(`${key}/foreign-key`, "down");
    await execute(`${key}/foreign-key-triggers`, "down");
    await execute(`${key}/same-organization`, "down");
    await together(session, `UPDATE leads SET organization_id = '${alpha}' WHERE id = 8`);
  },
);

test(
  "of two transactions that together would cross organizations, the second is refused",
  long,
  async () => {
    const { session, other } = await whileEnforced("enforced at once");
    const move = raw(`UPDATE leads SET organization_id = '${alpha}' WHERE id = 8`);
    const call = raw(
      `INSERT INTO calls (id, lead_id, organization_id) VALUES (1000, 8, '${first}')`,
    );
    await session.execute(raw("DELETE FROM calls WHERE lead_id = 8"));

    // The parent moves first: the row waits for it.
    await session.execute(raw("BEGIN"));
    await session.execute(move);
    const inserted = other.execute(call).catch((error: unknown) => error);
    await session.execute(raw("COMMIT"));
    expect(await inserted).toMatchObject(refused);

    // The row comes first: the parent waits, and then finds it.
    await session.execute(raw(`UPDATE leads SET organization_id = '${first}' WHERE id = 8`));
    await other.execute(raw("BEGIN"));
    await other.execute(call);
    const moved = session.execute(move).catch((error: unknown) => error);
    await other.execute(raw("COMMIT"));
    expect(await moved).toMatchObject(refused);
  },
);

test(
  "a REPEATABLE READ transaction that cannot see the newest rows may not move a parent",
  long,
  async () => {
    const { session, other } = await whileEnforced("enforced repeatably");
    await session.execute(raw("DELETE FROM calls WHERE lead_id = 8"));
    await session.execute(raw("BEGIN ISOLATION LEVEL REPEATABLE READ"));
    await session.execute(raw("SELECT count(*) FROM calls"));
    await other.execute(raw("INSERT INTO calls (id, lead_id) VALUES (1000, 8)"));
    await session.execute(raw(`UPDATE leads SET organization_id = '${alpha}' WHERE id = 8`));
    await expect(session.execute(raw("COMMIT"))).rejects.toMatchObject({ code: "40001" });
  },
);

test(
  "where row-level security binds the connected role, Day 3 stops before anything is built",
  long,
  async () => {
    const { session, steps } = await whileEnforced("enforced by a bound role");
    const step = steps.find(({ id }) => id === "day3/calls/calls_lead_id_fkey/same-organization");
    const checks = step === undefined ? [] : checksOf(step);
    const failed = async () =>
      (await ask(session, checks)).filter(({ violations }) => violations.length > 0);
    expect(await failed()).toEqual([]);
    await session.execute(raw("SET ROLE small_company_app"));
    const claim = "the connected role sees all rows of calls and leads";
    expect(await failed()).toMatchObject([{ claim }]);
    await session.execute(raw("RESET ROLE"));
  },
);
