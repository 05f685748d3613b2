import { z } from "zod";
import { messageOf } from "../../errors.ts";
import type { CheckResult } from "../../events/verification.ts";
import {
  isConnectionLoss,
  isLockConflict,
  type Queries,
  type Session,
} from "../../postgres/connection.ts";
import { type RelationName, sql } from "../../postgres/sql.ts";
import type { Persona } from "../../steps/model/stage.ts";
import { policyNames } from "../../steps/table/fence.ts";
import { readRoles } from "../roles/roles.ts";
import { insertLike } from "../rows/insert-like.ts";
import { insertRows } from "../rows/inserted-rows.ts";
import { moveRows, type TestRows } from "../rows/moved-rows.ts";
import { readTableFacts } from "../rows/table-facts.ts";
import { tryActor } from "../tables/try-actor.ts";
import { blocked } from "./blocked.ts";
import { reachablePartitions } from "./partitions.ts";
import { makeTestOrganizations, play } from "./test-organizations.ts";
import type { Fence, ProofScope, Trial } from "./trial.ts";
import { inRolledBackTransaction, retryWhileLocked } from "./unnoticed.ts";
import { resultOf, violation } from "./violation.ts";

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
  for (const [number, fence] of fences.entries()) {
    const played = inTurn(personas, number);
    results.push(...(await tryTable(session, scope, fence, played)));
    onTable?.(number + 1);
  }
  // The table is tried as every persona; each of its partitions as one.
  const one = inTurn(personas, 0)
    .filter(({ persona }) => persona.memberships.length > 0)
    .slice(0, 1);
  for (const partition of await reachablePartitions(session, settings, fences)) {
    results.push(...(await tryTable(session, scope, partition, one)));
  }
  return results;
}

/** A persona, and which of the users plays it. */
type Played = { readonly persona: Persona; readonly which: number };

/** On every second table, users who exist play the first personas, and new ones the others. */
function inTurn(personas: readonly Persona[], table: number): readonly Played[] {
  return personas.map((persona, index) => ({ persona, which: index + 2 * (table % 2) }));
}

async function tryTable(
  session: Session,
  { settings, tenancy, personas }: Access & Personas,
  fence: Fence,
  played: readonly Played[],
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
      const access = { column: tenancy.column, role: settings.roles.signedIn };
      const facts = await readTableFacts(queries, fence.relation, access, scene.silences);
      const membersSeeAll = await onlyOurPolicies(queries, fence.relation);
      const [sample] = testRows.records;
      const { column } = tenancy;
      const insertInto = insertLike(fence.relation, column, facts.columns, sample);
      const table = { queries, settings, tenancy, fence, testRows, facts, membersSeeAll };
      const results: CheckResult[] = [];
      for (const { persona, which } of played) {
        const actor = await play(queries, tenancy, scene, { persona, which });
        results.push(await tryActor({ ...table, actor, insertInto }));
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

/**
 * Rows of the proof's own, for which nobody waits. Where none can be inserted, existing rows that nobody
 * holds are moved while this table is tried, and writers wait for them.
 */
async function rowsOf(
  queries: Queries,
  { settings, tenancy }: Access,
  fence: Fence,
  organizations: readonly string[],
): Promise<TestRows> {
  const planting = { column: tenancy.column, role: settings.roles.signedIn };
  const inserted = await insertRows(queries, fence, planting, organizations);
  return inserted ?? moveRows(queries, fence.relation, tenancy, organizations);
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
