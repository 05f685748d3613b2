import { stages } from "../../../stages/index.ts";
import { auditContext } from "../../audit/context.ts";
import type { BrokenFence } from "../../audit/rule.ts";
import type { FenceState } from "../../catalog/fence/state.ts";
import { readRoutines } from "../../catalog/routines/read-routines.ts";
import type { Routines } from "../../catalog/routines/routine.ts";
import { readSnapshot } from "../../catalog/snapshot.ts";
import { parseSettings } from "../../config/load.ts";
import { requestRoles, resolveRoles, type Settings } from "../../config/settings.ts";
import { readRecordedFenceState } from "../../journal/fence-states.ts";
import { type Run, readRuns } from "../../journal/journal.ts";
import { withLease } from "../../journal/lease.ts";
import { createJournal } from "../../journal/schema.ts";
import type { SmallCompany } from "../../mutation/small-company.ts";
import { planStages } from "../../plan/plan.ts";
import type { Session, Target } from "../../postgres/connection.ts";
import { observerOn } from "../../postgres/observer.ts";
import { withSession, withSessions } from "../../postgres/sessions.ts";
import { ident, sql } from "../../postgres/sql.ts";
import { beginStage, runStage } from "../../run/run-stage.ts";

/** A small company's fenced database, and its journal. */
export type FencedCompany = {
  readonly session: Session;
  readonly settings: Settings;
  readonly fence: BrokenFence;
  /** The last stage's. */
  readonly run: Run;
  /** What the fence stands on, as the last stage left it. */
  readonly left: FenceState;
};

/** Makes a small company's database on a server, takes it through the three days, and drops it. */
export function withFencedCompany<Result>(
  server: Target,
  company: SmallCompany,
  work: (fenced: FencedCompany) => Promise<Result>,
): Promise<Result> {
  const name = `tenantry_self_test_${company.kind}_${process.pid}`;
  const target = { ...server, database: name };
  return withSession(server, "tenantry self-test", {}, async (keeper) => {
    try {
      await keeper.execute(sql`CREATE DATABASE ${ident(name)} TEMPLATE template0`);
      return await withSession(target, "tenantry self-test", {}, async (session) => {
        for (const statement of company.statements) await session.execute(statement);
        return work(await runDays(session, target, company));
      });
    } finally {
      await keeper.execute(sql`DROP DATABASE IF EXISTS ${ident(name)} WITH (FORCE)`);
    }
  });
}

/** The three days as a run has them, without a backup: this is a test database. */
async function runDays(
  session: Session,
  target: Target,
  company: SmallCompany,
): Promise<FencedCompany> {
  const settings = parseSettings(company.config, `the self-test's ${company.kind} company`);
  await createJournal(session);
  await withSessions(async (open) => {
    const observer = observerOn(await open(target, "tenantry self-test observer"));
    const keeper = await open(target, "tenantry self-test lease");
    await withLease(keeper, (lease) =>
      runStages({
        session,
        observer,
        openBeside: () => open(target, "tenantry self-test"),
        lease,
        online: settings.online,
        settings,
        // A company of the self-test has no application.
        applicationFolder: ".",
        emit: () => undefined,
        interrupted: new AbortController().signal,
      }),
    );
  });
  const context = auditContext(settings, await readSnapshot(session));
  const fence: BrokenFence = {
    ...context,
    // The fence is tested, and not the minor version of the server that it happens to be on.
    serverVersion: Math.floor(context.serverVersion / 10_000) * 10_000 + 9999,
    table: { schema: "public", name: "leads" },
    child: { schema: "public", name: "calls" },
    role: company.role,
    login: company.login,
    identity: settings.identity.kind,
  };
  const run = (await readRuns(session)).at(-1);
  const left = run === undefined ? undefined : await readRecordedFenceState(session, run.id);
  if (run === undefined || left === undefined) throw new Error("no stage was applied");
  return { session, settings, fence, run, left: left.state };
}

function routinesFor({ session, settings }: Parameters<typeof beginStage>[0]): Promise<Routines> {
  const roles = requestRoles(resolveRoles(settings, true));
  return session.transaction((queries) => readRoutines(queries, roles), "read only snapshot");
}

async function runStages(context: Parameters<typeof beginStage>[0]): Promise<void> {
  const { session, settings } = context;
  for (const { name } of stages) {
    const snapshot = await readSnapshot(session);
    const wanted = stages.filter((stage) => stage.name === name);
    const {
      stages: planned,
      tenancy,
      digest,
    } = planStages(settings, snapshot, wanted, {
      origin: name,
      routines: await routinesFor(context),
    });
    for (const plan of planned) {
      const begun = await beginStage(context, {
        plan,
        tenancy,
        planDigest: digest,
        fingerprint: snapshot.fingerprint,
        predicted: {},
        backUp: async () => ({ folder: "none", bytes: 0, gitTag: null, tag: "none" }),
      });
      await runStage(context, begun);
    }
  }
}
