import { expect } from "vitest";
import { z } from "zod";
import {
  compareFingerprints,
  describeDifference,
} from "../../src/catalog/fingerprint/fingerprint.ts";
import { readSnapshot } from "../../src/catalog/snapshot.ts";
import type { Queries, Session } from "../../src/postgres/connection.ts";
import type { Sql } from "../../src/postgres/sql.ts";
import { stageNames } from "../../src/steps/model/stage.ts";
import type { Outcome, Project } from "../setup/project.ts";
import { thorough } from "../setup/thorough.ts";

/** For a test that runs the command line a dozen times, on a machine that may have other work. */
export const testTimeout = 180_000;

/** Expects a command to end well, and shows what it said where it does not. */
export function expectDone({ code, stdout, stderr }: Outcome): void {
  expect(code, `${stdout}\n${stderr}`).toBe(0);
}

/** Runs the three days, each verified by the run, and asks once more whether all holds. */
export async function runAndVerify(project: Project): Promise<void> {
  expectDone(await project.tenantry("run", "--yes"));
  for (const stage of thorough ? stageNames : (["day3"] as const)) {
    expectDone(await project.tenantry("--stage", stage, "--verify"));
  }
}

/** Rolls all back, and expects the schema to be what it was: object by object, and by its digest. */
export async function rollAllBack(
  project: Project,
  session: Session,
  before: Fingerprint,
): Promise<void> {
  expectDone(await project.tenantry("rollback", "--all", "--yes"));
  await expectFingerprint(session, before);
}

export type Fingerprint = Awaited<ReturnType<typeof readSnapshot>>["fingerprint"];

export async function fingerprintOf(session: Session): Promise<Fingerprint> {
  return (await readSnapshot(session)).fingerprint;
}

export async function expectFingerprint(session: Session, before: Fingerprint): Promise<void> {
  const after = await fingerprintOf(session);
  expect(compareFingerprints(before, after).map(describeDifference)).toEqual([]);
  expect(after.digest).toBe(before.digest);
}

/** The one text column `text` of each row. */
export async function texts(queries: Queries, statement: Sql): Promise<string[]> {
  const rows = await queries.rows(statement, z.object({ text: z.string() }));
  return rows.map(({ text }) => text);
}
