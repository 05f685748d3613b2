import { z } from "zod";
import { messageOf } from "../../errors.ts";
import type { CheckResult, TriedCommand, TriedOutcome } from "../../events/events.ts";
import {
  isConnectionLoss,
  isLockConflict,
  type Queries,
  type Session,
} from "../../postgres/connection.ts";
import { ident, type RelationName, sql } from "../../postgres/sql.ts";
import type { Persona } from "../../steps/model/stage.ts";
import { policyNames } from "../../steps/table/fence.ts";
import { readRoles } from "../roles/roles.ts";
import { insertRows } from "../rows/inserted-rows.ts";
import { moveRows, type TestRows } from "../rows/moved-rows.ts";
import { readTableFacts } from "../rows/table-facts.ts";
import { blocked } from "./blocked.ts";
import { organizationIsIndexed } from "./index-use.ts";
import { tryOwnWrites } from "./own-writes.ts";
import { reachablePartitions } from "./partitions.ts";
import { makeTestOrganizations, play } from "./test-organizations.ts";
import {
  as,
  type Fence,
  foreignRows,
  ownRows,
  type ProofScope,
  shownBy,
  type Trial,
} from "./trial.ts";
import { type TriedTable, tryInserting, tryWriting } from "./try-writes.ts";
import { inRolledBackTransaction, retryWhileLocked } from "./unnoticed.ts";
import { resultOf, type Violation, violation } from "./violation.ts";

type Personas = { readonly personas: readonly Persona[] };

/** The roles of requests, and the names of the tenancy's tables. */
type Access = Pick<Trial, "settings" | "tenancy">;

/**
 * Tries each table as each persona: what they see, and what their writes do to others' rows. Writes are
 * judged by those rows, never by the command tag. Everything is rolled back.
 */
export async function tryIsolation(
  session: Session,
  {
    settings: configured,
    tenancy,
    fences,
    personas,
    onTable,
  }: ProofScope & Personas & { readonly onTable?: (tables: number) => void },
): Promise<CheckResult[]> {
  const settings = await readRoles(session, configured);
  const scope = { settings, tenancy, personas };
  const results: CheckResult[] = [];
  for (const [index, fence] of fences.entries()) {
    results.push(...(await tryTable(session, scope, fence, personas)));
    onTable?.(index + 1);
  }
  // The table is tried as every persona; each of its partitions as one.
  const one = personas.filter(({ memberships }) => memberships.length > 0).slice(0, 1);
  for (const partition of await reachablePartitions(session, settings, fences)) {
    results.push(...(await tryTable(session, scope, partition, one)));
  }
  return results;
}

async function tryTable(
  session: Session,
  { settings, tenancy, personas }: Access & Personas,
  fence: Fence,
  played: readonly Persona[],
): Promise<CheckResult[]> {
  const claim = `${fence.label} is isolated`;
  const tryOnce = (attempt: number) =>
    inRolledBackTransaction(session, async (queries) => {
      const scene = await makeTestOrganizations(queries, tenancy, personas, attempt);
      if ("impossible" in scene) {
        return [resultOf(claim, [violation(`not tried: ${scene.impossible}`)])];
      }
      const organizations = [...scene.organizations.values()];
      const testRows = await rowsOf(queries, { settings, tenancy }, fence, organizations);
      const facts = await readTableFacts(queries, fence.relation, {
        column: tenancy.column,
        role: settings.roles.signedIn,
      });
      const membersSeeAll = await onlyOurPolicies(queries, fence.relation);
      const results: CheckResult[] = [];
      for (const persona of played) {
        const actor = await play(queries, tenancy, scene, persona);
        const trial = { queries, settings, tenancy, fence, actor, testRows, facts, membersSeeAll };
        results.push(await tryActor(trial));
      }
      return results;
    });
  try {
    return await retryWhileLocked(tryOnce);
  } catch (error) {
    if (isConnectionLoss(error)) throw error;
    if (isLockConflict(error)) throw blocked(fence.label, error);
    const reason = messageOf(error);
    return [resultOf(claim, [violation(`could not be tried: ${reason}`)])];
  }
}

/** Existing rows, moved while this table is tried; for an empty table, inserted rows. */
async function rowsOf(
  queries: Queries,
  { settings, tenancy }: Access,
  fence: Fence,
  organizations: readonly string[],
): Promise<TestRows> {
  const moved = await moveRows(queries, fence.relation, tenancy, organizations);
  if (moved.locations.length > 0) return moved;
  const { column } = tenancy;
  const planting = { column, role: settings.roles.signedIn };
  return (await insertRows(queries, fence, planting, organizations)) ?? moved;
}

async function tryActor(tried: Trial): Promise<CheckResult> {
  const { actor, fence, testRows } = tried;
  const reading = await tryReading(tried);
  const { selectOrganization } = tried.facts.granted;
  const reads = actor.organizations.length > 0 && reading.kind === "allowed" && selectOrganization;
  // What refuses every read refuses every write: it is reported once, together with writes that got through.
  const writes = [await tryWriting(tried), await tryInserting(tried)].map((one) =>
    reading.kind === "failed" ? onlyLeaks(one) : one,
  );
  const violations = [
    ...reading.violations,
    ...writes.flatMap((one) => one.violations),
    ...(reading.kind === "failed" ? [] : await tryOwnWrites(tried)),
    ...(reads ? (await as(tried, () => organizationIsIndexed(tried))).map(violation) : []),
  ];
  const untried = [
    ...(testRows.locations.length === 0
      ? ["it has no rows and none could be inserted: only inserts and the index were tried"]
      : []),
    ...writes.flatMap((one) => one.remarks),
  ].map((remark) => `${fence.label}: ${remark}`);
  const outcome = (command: TriedCommand) => outcomeOf(command, reading, writes);
  const commands = {
    SELECT: outcome("SELECT"),
    INSERT: outcome("INSERT"),
    UPDATE: outcome("UPDATE"),
    DELETE: outcome("DELETE"),
    TRUNCATE: outcome("TRUNCATE"),
  };
  const claim = `${fence.label} as ${actor.persona.name}: only their own`;
  const trial = { table: fence.label, persona: actor.persona.name, commands };
  return resultOf(claim, violations, { trial, unproven: untried });
}

function onlyLeaks(tried: TriedTable): TriedTable {
  const violations = tried.violations.filter(({ shown }) => shown !== undefined);
  return { ...tried, violations, remarks: [] };
}

function outcomeOf(
  command: TriedCommand,
  reading: Reading,
  writes: readonly TriedTable[],
): TriedOutcome {
  if (command === "SELECT") {
    if (reading.kind === "failed") return "untried";
    return reading.violations.length > 0 ? "open" : "held";
  }
  return (
    writes.map(({ commands }) => commands[command]).find((one) => one !== undefined) ?? "untried"
  );
}

const countSchema = z.object({ count: z.coerce.number() });
const foreignSchema = countSchema.extend({ canaries: z.coerce.number() });

/**
 * A role without SELECT is refused before policies are checked: that is no leak. Any other refusal (a
 * function or schema that may not be used, a recursion) proves nothing.
 */
type Reading = {
  readonly kind: "allowed" | "refused" | "failed";
  readonly violations: readonly Violation[];
};

/** A member sees exactly the rows of their own organizations. */
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
    if (seen.refused === "42501" && !trial.facts.granted.select) {
      return { kind: "refused", violations: [] };
    }
    const why = `${seen.message} (SQLSTATE ${seen.refused})`;
    return { kind: "failed", violations: [violation(`reading could not be tried: ${why}`)] };
  }
  const count = seen[0]?.count ?? 0;
  const expected = ownRows(trial).length;
  if (count === expected || (count < expected && !membersSeeAll)) {
    return { kind: "allowed", violations: [] };
  }
  const statement = sql`
    SELECT count(*) AS count,
           count(*) FILTER (WHERE ${column} = ANY (${foreignRows(trial)}::uuid[])) AS canaries
      FROM ${ident(fence.relation)}
     WHERE ${column} <> ALL (${trial.actor.organizations}::uuid[])
  `;
  const [foreign] = await as(trial, () => queries.rows(statement, foreignSchema));
  const what = `sees ${count} rows, of which ${foreign?.count ?? "?"} are others'; ${expected} are theirs`;
  const answer = `${foreign?.count ?? "?"} rows, ${foreign?.canaries ?? "?"} of them of the proof's other organizations`;
  return {
    kind: "allowed",
    violations: [{ what, shown: shownBy(trial, statement, answer) }],
  };
}

function refusal(error: unknown): { refused: string; message: string } {
  if (isLockConflict(error)) throw error;
  const parsed = z.object({ code: z.string(), message: z.string() }).safeParse(error);
  if (!parsed.success) throw error;
  return { refused: parsed.data.code, message: parsed.data.message };
}

/** Whether the plan's permissive policies are the table's only ones. */
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
