import pRetry from "p-retry";
import { z } from "zod";
import type { Settings } from "../config/settings.ts";
import { AppError } from "../errors.ts";
import {
  isConnectionLoss,
  isLockConflict,
  type Queries,
  type Session,
} from "../postgres/connection.ts";
import { ident, type RelationName, type Sql, sql } from "../postgres/sql.ts";
import type { CheckResult } from "../report/events.ts";
import { policyNames } from "../steps/fence.ts";
import type { Persona } from "../steps/stage.ts";
import type { Tenancy } from "../steps/tenancy.ts";
import { type Attempt, asUser, attempt, thenUndo } from "./impersonation.ts";
import { organizationIsIndexed } from "./index-use.ts";
import { type Actor, placeRows, play, setScene } from "./scene.ts";

export type Fence = { readonly relation: RelationName; readonly label: string };

type Trial = {
  readonly queries: Queries;
  readonly settings: Settings;
  readonly tenancy: Tenancy;
  readonly fence: Fence;
  readonly actor: Actor;
  /** The test organizations that hold one row of the table each. */
  readonly placed: readonly string[];
  /** Whether the plan's policies are the only permissive ones, so that a member sees every row. */
  readonly membersSeeAll: boolean;
};

/**
 * Tries each table as each persona: what they see, and what their writes do to the others' rows,
 * judged by those rows and never by a command's tag. Everything is rolled back.
 */
export async function tryIsolation(
  session: Session,
  settings: Settings,
  tenancy: Tenancy,
  fences: readonly Fence[],
  personas: readonly Persona[],
): Promise<CheckResult[]> {
  const results: CheckResult[] = [];
  for (const fence of fences) {
    results.push(...(await tryTable(session, settings, tenancy, fence, personas)));
  }
  return results;
}

async function tryTable(
  session: Session,
  settings: Settings,
  tenancy: Tenancy,
  fence: Fence,
  personas: readonly Persona[],
): Promise<CheckResult[]> {
  const claim = `${fence.label} is isolated`;
  const tryOnce = (attempt: number) =>
    thenUndo(session, async (queries) => {
      const scene = await setScene(queries, tenancy, personas, attempt);
      if ("impossible" in scene) return [{ claim, violations: [`not tried: ${scene.impossible}`] }];
      const organizations = [...scene.organizations.values()];
      const placed = await placeRows(queries, fence.relation, tenancy, organizations);
      const membersSeeAll = await onlyOurPolicies(queries, fence.relation);
      const results: CheckResult[] = [];
      for (const persona of personas) {
        const actor = await play(queries, tenancy, scene, persona);
        const trial = { queries, settings, tenancy, fence, actor, placed, membersSeeAll };
        results.push(await tryActor(trial));
      }
      return results;
    });
  try {
    return await pRetry(tryOnce, {
      retries: 9,
      minTimeout: 100,
      maxTimeout: 1_500,
      factor: 1.6,
      randomize: true,
      shouldRetry: ({ error }) => isLockConflict(error),
    });
  } catch (error) {
    if (isConnectionLoss(error)) throw error;
    if (isLockConflict(error)) throw blocked(fence, error);
    const reason = error instanceof Error ? error.message : String(error);
    return [{ claim, violations: [`could not be tried: ${reason}`] }];
  }
}

function blocked({ label }: Fence, cause: unknown): AppError {
  return new AppError({
    code: "PROOF_BLOCKED",
    object: label,
    fault:
      "its isolation could not be tried: other transactions held its rows' locks in ten attempts",
    state: "nothing is wrong with what was looked at; this table was not",
    next: "the same command again, once they have ended (tenantry check names them)",
    cause,
  });
}

async function tryActor(trial: Trial): Promise<CheckResult> {
  const { actor, fence, placed } = trial;
  const emptiness = placed.length === 0 ? " (no rows: inserts and index only)" : "";
  const reading = await tryReading(trial);
  const reads = actor.organizations.length > 0 && reading.kind === "allowed";
  const violations = [
    ...reading.violations,
    ...(await tryWriting(trial)),
    ...(await tryInserting(trial)),
    ...(reads ? await as(trial, () => organizationIsIndexed(trial)) : []),
  ];
  return {
    claim: `${fence.label} as ${actor.persona.name}: only their own${emptiness}`,
    violations,
  };
}

function as<Result>({ queries, actor, settings }: Trial, work: () => Promise<Result>) {
  return asUser(queries, actor.user, settings, work);
}

const countSchema = z.object({ count: z.coerce.number() });

function ownRows({ placed, actor }: Trial): readonly string[] {
  return placed.filter((organization) => actor.organizations.includes(organization));
}

function foreignRows({ placed, actor }: Trial): readonly string[] {
  return placed.filter((organization) => !actor.organizations.includes(organization));
}

/** A role without the privilege to read is refused before any policy is asked: that is no leak. */
type Reading = { readonly kind: "allowed" | "refused"; readonly violations: readonly string[] };

/** A member sees exactly their own organizations' rows: not one more, and not one less. */
async function tryReading(trial: Trial): Promise<Reading> {
  const { queries, fence, tenancy, membersSeeAll } = trial;
  const column = ident(tenancy.column);
  await queries.execute(sql`SAVEPOINT reading`);
  const seen = await as(trial, () =>
    queries.rows(
      sql`
        SELECT count(*) AS count
          FROM ${ident(fence.relation)}
      `,
      countSchema,
    ),
  ).catch(refusal);
  await queries.execute(sql`ROLLBACK TO SAVEPOINT reading`);
  if ("refused" in seen) {
    const privilege = seen.refused === "42501";
    const violations = privilege ? [] : [`reading could not be tried: ${seen.message}`];
    return { kind: "refused", violations };
  }
  const count = seen[0]?.count ?? 0;
  const expected = ownRows(trial).length;
  if (count === expected || (count < expected && !membersSeeAll)) {
    return { kind: "allowed", violations: [] };
  }
  const foreign = await as(trial, () =>
    queries.rows(
      sql`
        SELECT count(*) AS count
          FROM ${ident(fence.relation)}
         WHERE ${column} <> ALL (${trial.actor.organizations}::uuid[])
      `,
      countSchema,
    ),
  );
  const seenRows = `sees ${count} rows, of which ${foreign[0]?.count ?? "?"} are others'`;
  return { kind: "allowed", violations: [`${seenRows}; ${expected} are theirs`] };
}

function refusal(error: unknown): { refused: string; message: string } {
  if (isLockConflict(error)) throw error;
  const parsed = z.object({ code: z.string(), message: z.string() }).safeParse(error);
  if (!parsed.success) throw error;
  return { refused: parsed.data.code, message: parsed.data.message };
}

/** Blind, stealing, deleting and pushing writes leave every other organization's rows as they were. */
async function tryWriting(trial: Trial): Promise<string[]> {
  const { fence, tenancy } = trial;
  const table = ident(fence.relation);
  const column = ident(tenancy.column);
  const own = trial.actor.organizations[0];
  const foreign = foreignRows(trial);
  const target = foreign[0];
  if (target === undefined) return [];
  const writes: [string, Sql][] = [
    // Without WHERE only the UPDATE policies are asked, not those for SELECT.
    ["a blind UPDATE", sql`UPDATE ${table} SET ${column} = ${own ?? target}::uuid`],
    [
      "an UPDATE of others' rows",
      sql`UPDATE ${table} SET ${column} = ${own ?? target}::uuid WHERE ${column} = ANY (${foreign}::uuid[])`,
    ],
    [
      "a DELETE of others' rows",
      sql`DELETE FROM ${table} WHERE ${column} = ANY (${foreign}::uuid[])`,
    ],
  ];
  if (own !== undefined) {
    writes.push([
      "a row pushed to others",
      sql`UPDATE ${table} SET ${column} = ${target}::uuid WHERE ${column} = ${own}::uuid`,
    ]);
  }
  const violations: string[] = [];
  for (const [what, statement] of writes) {
    const after = await judged(trial, statement);
    if (after !== undefined) violations.push(`${what} got through: ${after}`);
  }
  return violations;
}

/** Runs a write as the persona, and compares what the others have before and after, as nobody bound. */
async function judged(trial: Trial, statement: Sql): Promise<string | undefined> {
  const { queries, fence, tenancy } = trial;
  const others = sql`
    SELECT ctid::text || ' ' || ${ident(tenancy.column)} AS row
      FROM ${ident(fence.relation)}
     WHERE ${ident(tenancy.column)} = ANY (${foreignRows(trial)}::uuid[])
     ORDER BY 1
  `;
  const rowSchema = z.object({ row: z.string() });
  const before = await queries.rows(others, rowSchema);
  await queries.execute(sql`SAVEPOINT judged`);
  const outcome: Attempt = await as(trial, () => attempt(queries, statement));
  const after = await queries.rows(others, rowSchema);
  await queries.execute(sql`ROLLBACK TO SAVEPOINT judged`);
  if (JSON.stringify(before) !== JSON.stringify(after)) {
    return `others had ${before.length} rows and now have ${after.length}, or they were written to`;
  }
  if (outcome.kind === "done" || outcome.sqlState === "42501") return undefined;
  return `could not be tried: ${outcome.message} (SQLSTATE ${outcome.sqlState})`;
}

/**
 * A row for somebody else's organization, or for none. Row-level security is asked before any
 * constraint, so that an error of a constraint means that the fence let the row through.
 */
async function tryInserting(trial: Trial): Promise<string[]> {
  const { queries, fence, tenancy, actor, placed } = trial;
  const violations: string[] = [];
  const strangers = [...foreignRows(trial), tenancy.defaultOrganizationId].filter(
    (organization) => !actor.organizations.includes(organization),
  );
  for (const organization of [...new Set(strangers)].slice(0, 2)) {
    await queries.execute(sql`SAVEPOINT inserting`);
    const outcome = await as(trial, () =>
      attempt(
        queries,
        sql`INSERT INTO ${ident(fence.relation)} (${ident(tenancy.column)}) VALUES (${organization})`,
      ),
    );
    await queries.execute(sql`ROLLBACK TO SAVEPOINT inserting`);
    const whose = placed.includes(organization)
      ? "another organization"
      : "the default organization";
    if (outcome.kind === "done") violations.push(`inserts a row for ${whose}`);
    else if (outcome.sqlState.startsWith("23")) {
      violations.push(`a row for ${whose} is stopped by a constraint only: ${outcome.message}`);
    } else if (outcome.sqlState !== "42501") {
      violations.push(`inserting could not be tried: ${outcome.message}`);
    }
  }
  return violations;
}

/** Whether no permissive policy but the plan's narrows what members see. */
async function onlyOurPolicies(queries: Queries, relation: RelationName): Promise<boolean> {
  const { view, insert, update, delete: remove, administer } = policyNames(relation.name);
  const [row] = await queries.rows(
    sql`
      SELECT count(*) FILTER (WHERE p.polname = ${view}) = 1
             AND count(*) FILTER (WHERE NOT p.polname = ANY (${[view, insert, update, remove, administer]}::text[])) = 0 AS ours
        FROM pg_policy p
        JOIN pg_class c ON c.oid = p.polrelid
        JOIN pg_namespace n ON n.oid = c.relnamespace
       WHERE n.nspname = ${relation.schema}
         AND c.relname = ${relation.name}
         AND p.polpermissive
    `,
    z.object({ ours: z.boolean() }),
  );
  return row?.ours === true;
}
