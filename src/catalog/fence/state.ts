import { z } from "zod";
import type { Queries, Session } from "../../postgres/connection.ts";
import { readCatalog } from "../../postgres/read-catalog.ts";
import { sql } from "../../postgres/sql.ts";
import { type FenceEntry, fenceEntrySchema } from "./entry.ts";
import {
  readFunctionEntries,
  readOperatorEntries,
  readRelationEntries,
  readViewsOver,
} from "./functions.ts";
import { readPolicies, readTriggersAndRules } from "./policies.ts";
import { type Reached, readReached } from "./reached.ts";
import { readRoleEntries, readRoleSettings } from "./roles.ts";
import { type FenceScope, fenceScopeSchema, readFencedTables, readScopeRoles } from "./scope.ts";
import { readCasts, readEventTriggers, readSchemas, readServerSettings } from "./surroundings.ts";
import { readColumns, readConstraints, readTables } from "./tables.ts";

/** What the fence stands on, as attributes of named objects. */
export const fenceStateSchema = z.object({
  scope: fenceScopeSchema,
  entries: z.array(fenceEntrySchema),
});

export type FenceState = z.output<typeof fenceStateSchema>;

/** Reads what the fence stands on, all from the same moment. */
export async function readFenceState(session: Session, scope: FenceScope): Promise<FenceState> {
  return readCatalog(session, async (queries) => {
    // Before this transaction sets any itself.
    const server = await readServerSettings(queries);
    // With an empty path, definitions are printed with the schema of every name.
    await queries.execute(sql`SET LOCAL search_path = pg_catalog`);
    return { scope, entries: await readAll(queries, scope, server) };
  });
}

async function readAll(
  queries: Queries,
  scope: FenceScope,
  server: readonly FenceEntry[],
): Promise<FenceEntry[]> {
  const tables = await readFencedTables(queries, scope);
  const roles = await readScopeRoles(queries, scope);
  const settings = await readRoleSettings(queries, roles.base);
  const path = pathOf(settings, roles.base);
  const reached = await readReached(queries, scope, { tables, path });
  const of = (kind: Reached["kind"]) => reached.filter((one) => one.kind === kind);
  const over = await readViewsOver(
    queries,
    tables.map(({ oid }) => oid),
  );
  const standing = [
    ...(await readTables(queries, tables, roles.all)),
    ...(await readFunctionEntries(queries, of("function"), roles.all)),
    ...(await readOperatorEntries(queries, of("operator"))),
    ...(await readRelationEntries(queries, of("relation"), over)),
    ...(await readEventTriggers(queries)),
  ];
  const schemas = await readSchemas(
    queries,
    { schemas: await schemasIn(queries, scope, reached), helpers: scope.helpers.schema },
    roles.all,
  );
  const owned = [...standing, ...schemas].flatMap(({ object, attributes }) =>
    attributes.filter(({ name }) => name === "owner").map(({ value }) => ({ role: value, object })),
  );
  const entries = [
    ...standing,
    ...schemas,
    ...settings,
    ...(await readColumns(queries, tables, scope)),
    ...(await readConstraints(queries, tables, scope)),
    ...(await readPolicies(queries, tables)),
    ...(await readTriggersAndRules(queries, tables)),
    ...(await readCasts(queries)),
    ...server,
    ...(await readRoleEntries(queries, roles.all, owned)),
  ];
  return entries.sort((one, other) => (one.object < other.object ? -1 : 1));
}

/** The schemas in which a request's function without a path of its own may find a name. */
function pathOf(settings: readonly FenceEntry[], roles: readonly string[]): readonly string[] {
  const set = settings.flatMap(({ attributes }) =>
    attributes.filter(({ name }) => name.startsWith("search_path")).map(({ value }) => value),
  );
  const named = set.flatMap((value) =>
    value.split(",").map((one) => one.trim().replaceAll('"', "")),
  );
  return [...new Set(["public", ...roles, ...named])];
}

async function schemasIn(
  queries: Queries,
  { tables, organizations, memberships, helpers }: FenceScope,
  reached: readonly Reached[],
): Promise<string[]> {
  const functions = reached.filter(({ kind }) => kind === "function").map(({ oid }) => oid);
  const found = await queries.rows(
    sql`
      SELECT DISTINCT n.nspname::text AS name
        FROM pg_proc p
        JOIN pg_namespace n ON n.oid = p.pronamespace
       WHERE p.oid = ANY (${functions}::text[]::oid[])
    `,
    z.object({ name: z.string() }),
  );
  const named = [helpers, ...[...tables, organizations, memberships]].map(({ schema }) => schema);
  return [...new Set([...named, ...found.map(({ name }) => name)])];
}
