import {
  type Crossing,
  countCrossing,
  crossingRule,
  crossingSchema,
  describeCrossing,
  listCrossing,
  type Pair,
} from "../../catalog/crossing/crossing-rows.ts";
import { rootOf } from "../../catalog/partitions.ts";
import { acceptanceOf } from "../../config/accepted.ts";
import { relationKey } from "../../config/relation-name.ts";
import { configuredName, type TenantTable } from "../../config/settings.ts";
import { isConnectionLoss } from "../../postgres/connection.ts";
import { ident, list, sql, toScript } from "../../postgres/sql.ts";
import { organizationId } from "../../steps/model/naming.ts";
import type { CheckContext, Found, PreflightCheck } from "../check.ts";
import { type SideAhead, sideAhead, sourceInWords, tenantTable } from "./organization-ahead.ts";

/** No key is started after this time. */
const budgetInMilliseconds = 20_000;

export const crossingRows: PreflightCheck = {
  id: crossingRule,
  title: "rows that would be in another organization than the row that they reference",
  why: "after the stage, a member of one organization sees only one of the two: joins lose rows, and a cascade changes another organization's. The stage would fail. A person must decide which of the two tables has the right source",
  stops: ["run"],
  async find(context) {
    // `run` asks it of its stages before its question, and needs no second answer.
    if (context.stages.length === 0) return [];
    const found: Found[] = [];
    const until = performance.now() + budgetInMilliseconds;
    // If a policy hides rows, the query fails instead of counting too few.
    await context.queries.execute(sql`SET LOCAL row_security = off`);
    const path = [...context.snapshot.server.searchPath, "pg_temp"];
    await context.queries.execute(
      sql`SET LOCAL search_path = ${list(path.map((schema) => ident(schema)))}`,
    );
    for (const one of keysAhead(context)) {
      const answer =
        performance.now() < until
          ? await ask(context, one)
          : { unknown: "the time for this check was used up by other tables" };
      found.push(...findings(context, one, answer));
    }
    return found;
  },
};

/** A foreign key between tables that will be tenant tables. */
type KeyAhead = {
  readonly pair: Pair & { readonly child: SideAhead; readonly parent: SideAhead };
  readonly object: string;
  readonly child: TenantTable;
  readonly parent: TenantTable;
  /** Whether one of the stages ahead makes the second of the two a tenant table. */
  readonly now: boolean;
};

/** Keys that can have such rows; small tables first. */
function keysAhead(context: CheckContext): KeyAhead[] {
  const { settings, snapshot, stages } = context;
  const isOnDay2 = ({ relation }: TenantTable) =>
    settings.tables.day2.some((one) => relationKey(one.relation) === relationKey(relation));
  return snapshot.relations
    .toSorted((one, other) => one.bytes - other.bytes)
    .flatMap((relation) => {
      const child = tenantTable(context, rootOf(snapshot.relations, relation));
      const childSide = child === undefined ? undefined : sideAhead(context, relation);
      if (child === undefined || childSide === undefined) return [];
      return relation.foreignKeys.flatMap((key): KeyAhead[] => {
        const name = { schema: key.schema, name: key.table };
        const parentSide = key.own ? sideAhead(context, name) : undefined;
        if (parentSide === undefined) return [];
        const parent = tenantTable(context, rootOf(snapshot.relations, parentSide.relation));
        if (parent === undefined) return [];
        const pair = { child: childSide, parent: parentSide, key };
        if (isAlike({ pair, child, parent })) return [];
        const day = isOnDay2(child) || isOnDay2(parent) ? "day2" : "day1";
        const object = `${configuredName(relation, settings)}.${key.name}`;
        const now = stages.some((one) => one.name === day);
        return [{ pair, object, child, parent, now }];
      });
    });
}

/** Whether no row can cross: both have one organization for all, or the one takes it from the other by this key. */
function isAlike(key: Omit<KeyAhead, "now" | "object">): boolean {
  const { child, parent, pair } = key;
  const sides = [pair.child, pair.parent] as const;
  if (sides.every((side) => !side.ahead)) return true;
  if (sides.some((side) => side.hasColumn)) return false;
  if (child.source.kind === "default" && parent.source.kind === "default") return true;
  const { columns } = pair.key;
  return child.source.kind === "via" && columns.length === 1 && columns[0] === child.source.column;
}

type Answer = Crossing | { readonly unknown: string };

/** Within a savepoint, so that one failure does not hide the other keys. */
async function ask({ queries }: CheckContext, { pair }: KeyAhead): Promise<Answer> {
  await queries.execute(sql`SAVEPOINT one_key`);
  try {
    const [row] = await queries.rows(countCrossing(pair), crossingSchema);
    return row ?? { unknown: "nothing was counted" };
  } catch (error) {
    if (isConnectionLoss(error) || !(error instanceof Error)) throw error;
    await queries.execute(sql`ROLLBACK TO SAVEPOINT one_key`);
    return { unknown: error.message };
  }
}

function findings(context: CheckContext, ahead: KeyAhead, answer: Answer): Found[] {
  const { pair, object, now } = ahead;
  const rows = toScript(listCrossing(pair)).replaceAll(/\s+/g, " ");
  if ("unknown" in answer) {
    const fact = `could not be counted: ${answer.unknown}`;
    const fix = `this must return no row: ${rows}`;
    return [{ severity: "advisory", what: { object, fact }, fix }];
  }
  if (answer.crossing === 0) return [];
  const accepted = acceptance(context, object);
  const fact = factOf(context, ahead, answer);
  return [
    {
      severity: now && accepted === undefined ? "blocking" : "advisory",
      what: { object, fact: accepted === undefined ? fact : `${fact}; ${accepted}` },
      fix: `${waysOut(ahead)}. All of them: ${rows}`,
    },
  ];
}

function acceptance({ settings }: CheckContext, object: string): string | undefined {
  const found = acceptanceOf(settings.audit.accepted, { rule: crossingRule, object });
  return found === undefined ? undefined : `accepted until ${found.until}: ${found.reason}`;
}

function factOf(
  { settings }: CheckContext,
  { pair, child, parent }: KeyAhead,
  answer: Crossing,
): string {
  const known = [settings.defaultOrganization, ...settings.organizations];
  const names = new Map(known.map(({ slug, name }) => [organizationId(slug), name]));
  const told = describeCrossing(answer, pair.child.relation.indexes, {
    child: pair.child.relation.name,
    parent: pair.parent.relation.name,
    are: "would be",
    nameOf: (id) => names.get(id) ?? id,
  });
  const sources = [
    `${pair.child.relation.name} get theirs ${sourceInWords(child)}`,
    `${pair.parent.relation.name} ${sourceInWords(parent)}`,
  ];
  return `${told} (${sources.join(", ")})`;
}

/** What a person can decide. */
function waysOut({ pair, child, parent, object }: KeyAhead): string {
  const { columns, table } = pair.key;
  const [only] = columns;
  const via =
    only !== undefined && columns.length === 1 && child !== parent
      ? [`if ${table} is right, give ${pair.child.relation.name} the source { via: "${only}" }`]
      : [];
  return [
    ...via,
    `if ${pair.child.relation.name} is right, give ${table} another source, or correct the rows`,
    `if both are meant, accept it in audit.accepted: rule "${crossingRule}", object "${object}"`,
  ].join("; ");
}
