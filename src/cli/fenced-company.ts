import { stages } from "../../stages/index.ts";
import { auditContext } from "../audit/context.ts";
import type { BrokenFence } from "../audit/rule.ts";
import type { Fingerprint } from "../catalog/fingerprint.ts";
import { readSnapshot } from "../catalog/snapshot.ts";
import { parseSettings } from "../config/load.ts";
import type { Settings } from "../config/settings.ts";
import { type Run, readFingerprintAfter, readRuns } from "../journal/journal.ts";
import { takeLease } from "../journal/lease.ts";
import { createJournal } from "../journal/schema.ts";
import type { SmallCompany } from "../mutation/small-company.ts";
import { planStages } from "../plan/plan.ts";
import { openSession, type Session, type Target } from "../postgres/connection.ts";
import { openObserver } from "../postgres/observer.ts";
import { ident, sql } from "../postgres/sql.ts";
import { beginStage, runStage } from "../run/run-stage.ts";

/** A small company's database behind its fence, and what its journal says of it. */
export type FencedCompany = {
  readonly session: Session;
  readonly settings: Settings;
  readonly fence: BrokenFence;
  /** The last stage's. */
  readonly run: Run;
  /** The schema as the last stage left it. */
  readonly left: Fingerprint;
};

/** Makes a small company's database on a server, takes it through the three days, and drops it. */
export async function withFencedCompany<Result>(
  server: Target,
  company: SmallCompany,
  work: (fenced: FencedCompany) => Promise<Result>,
): Promise<Result> {
  const name = `tenantry_self_test_${company.kind}_${process.pid}`;
  const target = { ...server, database: name };
  const keeper = await openSession(server, "tenantry self-test");
  try {
    await keeper.execute(sql`CREATE DATABASE ${ident(name)} TEMPLATE template0`);
    const session = await openSession(target, "tenantry self-test");
    try {
      for (const statement of company.statements) await session.execute(statement);
      return await work(await runDays(session, target, company));
    } finally {
      await session.close();
    }
  } finally {
    await keeper.execute(sql`DROP DATABASE IF EXISTS ${ident(name)} WITH (FORCE)`);
    await keeper.close();
  }
}

/** The three days as a run has them, but for the backup: nothing is at stake here. */
async function runDays(
  session: Session,
  target: Target,
  company: SmallCompany,
): Promise<FencedCompany> {
  const settings = parseSettings(company.config, `the self-test's ${company.kind} company`);
  const observer = await openObserver(target, "tenantry self-test observer");
  const keeper = await openSession(target, "tenantry self-test lease");
  try {
    await createJournal(session);
    const lease = await takeLease(keeper);
    const context = {
      session,
      observer,
      openBeside: () => openSession(target, "tenantry self-test"),
      lease,
      online: settings.online,
      settings,
      // A company of the self-test has no application.
      applicationFolder: ".",
      emit: () => undefined,
      interrupted: new AbortController().signal,
    };
    for (const { name } of stages) {
      const snapshot = await readSnapshot(session);
      const wanted = stages.filter((stage) => stage.name === name);
      const { stages: planned, tenancy, digest } = planStages(settings, snapshot, wanted, name);
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
    await lease.release();
  } finally {
    await Promise.all([observer.close(), keeper.close()]);
  }
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
  const left = run === undefined ? undefined : await readFingerprintAfter(session, run.id);
  if (run === undefined || left === undefined) throw new Error("no stage was applied");
  return { session, settings, fence, run, left };
}
