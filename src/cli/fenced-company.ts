import { stages } from "../../stages/index.ts";
import { auditContext } from "../audit/context.ts";
import type { BrokenFence } from "../audit/rule.ts";
import { readSnapshot } from "../catalog/snapshot.ts";
import { parseSettings } from "../config/load.ts";
import type { Settings } from "../config/settings.ts";
import { type Run, readRuns } from "../journal/journal.ts";
import { takeLease } from "../journal/lease.ts";
import { createJournal } from "../journal/schema.ts";
import type { SmallCompany } from "../mutation/small-company.ts";
import { planStages } from "../plan/plan.ts";
import { openSession, type Session } from "../postgres/connection.ts";
import { ident, sql } from "../postgres/sql.ts";
import { runStage } from "../run/run-stage.ts";

/** A small company's database behind its fence, and what its journal says of it. */
export type FencedCompany = {
  readonly session: Session;
  readonly settings: Settings;
  readonly fence: BrokenFence;
  readonly runs: readonly Run[];
};

/** Makes a small company's database on a server, takes it through the three days, and drops it. */
export async function withFencedCompany<Result>(
  server: string,
  company: SmallCompany,
  work: (fenced: FencedCompany) => Promise<Result>,
): Promise<Result> {
  const name = `tenantry_self_test_${company.kind}_${process.pid}`;
  const url = new URL(server);
  url.pathname = `/${name}`;
  const keeper = await openSession({ url: server }, "tenantry self-test");
  try {
    await keeper.execute(sql`CREATE DATABASE ${ident(name)} TEMPLATE template0`);
    const session = await openSession({ url: url.href }, "tenantry self-test");
    try {
      for (const statement of company.statements) await session.execute(statement);
      return await work(await runDays(session, url.href, company));
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
  url: string,
  company: SmallCompany,
): Promise<FencedCompany> {
  const settings = parseSettings(company.config, `the self-test's ${company.kind} company`);
  const observer = await openSession({ url }, "tenantry self-test observer");
  const keeper = await openSession({ url }, "tenantry self-test lease");
  try {
    await createJournal(session);
    const lease = await takeLease(keeper);
    const context = {
      session,
      observer,
      lease,
      online: settings.online,
      settings,
      emit: () => undefined,
      interrupted: new AbortController().signal,
    };
    for (const { name } of stages) {
      const snapshot = await readSnapshot(session);
      const wanted = stages.filter((stage) => stage.name === name);
      const { stages: planned, tenancy, digest } = planStages(settings, snapshot, wanted, name);
      for (const plan of planned) {
        await runStage(context, {
          plan,
          tenancy,
          planDigest: digest,
          fingerprint: snapshot.fingerprint,
          predicted: {},
          backUp: async () => ({ folder: "none", bytes: 0, gitTag: null, tag: "none" }),
        });
      }
    }
    await lease.release();
  } finally {
    await Promise.all([observer.close(), keeper.close()]);
  }
  const fence: BrokenFence = {
    ...auditContext(settings, await readSnapshot(session)),
    table: { schema: "public", name: "leads" },
    child: { schema: "public", name: "calls" },
    role: company.role,
    identity: settings.identity.kind,
  };
  return { session, settings, fence, runs: await readRuns(session) };
}
