import { z } from "zod";
import {
  countCrossing,
  crossingRule,
  crossingSchema,
  describeCrossing,
  listCrossing,
  type Pair,
  rowsOf,
  type Side,
} from "../../catalog/crossing/crossing-rows.ts";
import { type EnforcedKey, readEnforcedKeys } from "../../catalog/crossing/enforced-keys.ts";
import { rootOf } from "../../catalog/partitions.ts";
import { type ForeignKey, type Relation, readRelations } from "../../catalog/relations.ts";
import { acceptanceOf } from "../../config/accepted.ts";
import { relationKey } from "../../config/relation-name.ts";
import { configuredName, type Settings } from "../../config/settings.ts";
import { messageOf } from "../../errors.ts";
import type { CheckResult, Unproven } from "../../events/verification.ts";
import { isConnectionLoss, type Session, sqlState } from "../../postgres/connection.ts";
import { ident, type Sql, sql, toScript } from "../../postgres/sql.ts";
import type { Tenancy } from "../../steps/model/tenancy.ts";
import type { Fence } from "../proof/trial.ts";

/** What the claim is asked of. */
type Scope = {
  readonly settings: Settings;
  readonly tenancy: Tenancy;
  readonly fences: readonly Fence[];
};

/** A foreign key between tenant tables, as it is now. */
type TenantKey = {
  /** As the configuration accepts it: `calls.calls_lead_id_fkey`. */
  readonly object: string;
  readonly pair: Pair;
  /** Undefined where the key does not name the organization; null where it keeps rows together. */
  readonly doubt: string | null | undefined;
};

/**
 * Whether every row is in the organization of the rows that it references: of all foreign keys that are
 * there now, also those that were added since. A key that names the organization, is validated, and whose triggers are
 * enabled keeps it true for what is written since; rows may be older, or written while its triggers were disabled, so
 * that its rows are counted too, as far as that takes little time. It takes no lock that writers wait for.
 */
export async function verifyCrossing(
  session: Session,
  { settings, tenancy, fences }: Scope,
): Promise<CheckResult> {
  const relations = await readRelations(session);
  const enforced = await readEnforcedKeys(session);
  const keys = tenantKeys({ settings, tenancy, fences }, relations, enforced);
  const kept = keys.filter((key) => isKept(key, keys));
  const violations: string[] = [];
  const unproven: Unproven[] = [];
  for (const key of keys) {
    const found = await countOf(session, tenancy, key, kept.includes(key));
    if (found === undefined) continue;
    const { object } = key;
    const accepted = acceptanceOf(settings.audit.accepted, { rule: crossingRule, object });
    const what = `${object}: ${found.what}`;
    if (accepted !== undefined) unproven.push({ what, accepted });
    else if (found.kind === "crossing") violations.push(what);
    else unproven.push({ what });
  }
  const how = `${keys.length} foreign keys, of which ${kept.length} keep it so`;
  return {
    claim: `every row is in the organization of the rows that it references (${how})`,
    violations,
    ...(unproven.length === 0 ? {} : { unproven }),
  };
}

function tenantKeys(
  { settings, tenancy, fences }: Scope,
  relations: readonly Relation[],
  enforced: readonly EnforcedKey[],
): TenantKey[] {
  const configured = [...settings.tables.day1, ...settings.tables.day2, ...fences];
  const tenants = new Set(configured.map(({ relation }) => relationKey(relation)));
  const has = ({ columns }: Relation) => columns.some(({ name }) => name === tenancy.column);
  const isTenant = (relation: Relation) =>
    has(relation) && tenants.has(relationKey(rootOf(relations, relation)));
  const byKey = new Map(relations.map((relation) => [relationKey(relation), relation]));
  const side = (relation: Relation): Side => ({
    relation,
    from: rowsOf(relation),
    column: tenancy.column,
  });
  return relations.filter(isTenant).flatMap((child) =>
    child.foreignKeys.flatMap((key): TenantKey[] => {
      const parent = byKey.get(relationKey({ schema: key.schema, name: key.table }));
      if (!key.own || parent === undefined || !isTenant(parent)) return [];
      const stored = enforced.find(
        (one) => one.schema === child.schema && one.table === child.name && one.name === key.name,
      );
      const found = withoutOrganization(key, tenancy.column);
      const names = found.columns.length < key.columns.length;
      if (found.columns.length === 0) return [];
      return [
        {
          object: `${configuredName(child, settings)}.${key.name}`,
          pair: { child: side(child), parent: side(parent), key: found },
          doubt: names ? (stored?.doubt ?? null) : undefined,
        },
      ];
    }),
  );
}

/** The key without the organization, as it finds the row of another one. */
function withoutOrganization(key: ForeignKey, column: string): ForeignKey {
  const others = <Value>(values: readonly Value[]): Value[] =>
    values.filter(
      (_, place) => key.columns[place] !== column || key.referencedColumns[place] !== column,
    );
  return {
    ...key,
    columns: others(key.columns),
    referencedColumns: others(key.referencedColumns),
    operators: others(key.operators),
  };
}

/** Whether a key, or another over the same columns and the organization, keeps rows together. */
function isKept(one: TenantKey, all: readonly TenantKey[]): boolean {
  const columnsOf = ({ pair: { key } }: TenantKey) =>
    JSON.stringify(
      key.columns.map((column, place) => [column, key.referencedColumns[place]]).sort(),
    );
  const references = ({ schema, table }: ForeignKey) => relationKey({ schema, name: table });
  return all.some(
    (other) =>
      other.doubt === null &&
      other.pair.child.relation === one.pair.child.relation &&
      references(other.pair.key) === references(one.pair.key) &&
      columnsOf(other) === columnsOf(one),
  );
}

/** What contradicts the claim of a key, or why that is not known. */
type Counted = { readonly kind: "crossing" | "not counted"; readonly what: string };

async function countOf(
  session: Session,
  tenancy: Tenancy,
  { object, pair, doubt }: TenantKey,
  isKeptByKey: boolean,
): Promise<Counted | undefined> {
  const { child, parent } = pair;
  try {
    const [found] = await session.transaction(
      (queries) => queries.rows(countCrossing(pair, isOfOne(pair)), crossingSchema),
      "read only snapshot",
      // Where policies hide rows, the query fails instead of counting too few.
      { row_security: "off", ...(isKeptByKey ? { statement_timeout: soon } : {}) },
    );
    if (found === undefined) throw new Error(`nothing was counted of ${object}`);
    const names = await organizationNames(
      session,
      tenancy,
      found.combinations.flatMap(({ own, theirs }) => [own, theirs]),
    );
    const told =
      found.crossing === 0
        ? []
        : [
            describeCrossing(found, child.relation.indexes, {
              child: child.relation.name,
              parent: parent.relation.name,
              are: "are",
              nameOf: (id) => names.get(id) ?? id,
            }),
            `all of them: ${oneLine(listCrossing(pair))}`,
          ];
    if (typeof doubt === "string") {
      const what = [`the key does not keep rows together: ${doubt}`, ...told].join("; ");
      return { kind: "crossing", what };
    }
    return told.length === 0 ? undefined : { kind: "crossing", what: told.join("; ") };
  } catch (error) {
    if (isConnectionLoss(error) || sqlState(error) === undefined) throw error;
    // A large table, or one whose rows are hidden here: the valid key itself says it.
    if (isKeptByKey) return undefined;
    const what = `could not be counted: ${messageOf(error)}; this must return no row: ${oneLine(listCrossing(pair))}`;
    return { kind: "not counted", what };
  }
}

/** How long the rows are counted of a key that keeps them together by itself. */
const soon = "2s";

/** Whether all rows of both tables are in one organization, which their indexes tell. */
function isOfOne({ child, parent }: Pair): Sql {
  const edge = ({ from, column }: Side, order: Sql) => sql`(SELECT ${ident(column)}
              FROM ${from}
             WHERE ${ident(column)} IS NOT NULL
             ORDER BY ${ident(column)} ${order}
             LIMIT 1)`;
  const lowest = edge(child, sql`ASC`);
  return sql`(SELECT coalesce(${lowest} = ${edge(child, sql`DESC`)}
                  AND ${lowest} = ${edge(parent, sql`ASC`)}
                  AND ${lowest} = ${edge(parent, sql`DESC`)}, FALSE))`;
}

async function organizationNames(
  session: Session,
  { organizations }: Tenancy,
  ids: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  if (ids.length === 0) return new Map();
  const rows = await session.rows(
    sql`SELECT o.id, o.name FROM ${ident(organizations)} AS o WHERE o.id = ANY (${ids}::uuid[])`,
    z.object({ id: z.string(), name: z.string() }),
  );
  return new Map(rows.map(({ id, name }) => [id, name]));
}

function oneLine(query: Sql): string {
  return toScript(query).replaceAll(/\s+/g, " ").trim();
}
