import { judgeRoutines, type OwnersRoutine } from "../../catalog/routines/judge.ts";
import { readRoutines } from "../../catalog/routines/read-routines.ts";
import { requestRoles } from "../../config/settings.ts";
import { ident, list, type RelationName, raw, type Sql, sql } from "../../postgres/sql.ts";
import { tenantsOf } from "../../steps/definer/tenants.ts";
import type { AttackSetup } from "../attacks/attack-setup.ts";
import { isAccepted } from "../attacks/surroundings.ts";

/** A function with other rights than its caller's that requests can call, and how it is tried. */
export type OwnersFunction = OwnersRoutine & {
  /** Undefined where it is called; else why not, for a remark. */
  readonly notCalled: string | undefined;
  /** Whether its calls change rows, so that each is undone, and judged by others' rows. */
  readonly undone: boolean;
};

/** Those functions, without the helpers and without what the configuration accepts as open. */
export async function ownersFunctions(setup: AttackSetup): Promise<OwnersFunction[]> {
  const { queries, settings, tenancy, fences } = setup;
  const tables = fences.map(({ relation }) => relation);
  const shared = settings.shared.map(({ relation }) => relation);
  const routines = await readRoutines(queries, requestRoles(settings));
  const canLeave = routines.routines.some(
    ({ ofExtension, name }) => ofExtension && /^(dblink|http|net_)/.test(name),
  );
  return judgeRoutines(routines, tenantsOf(tenancy, tables, shared))
    .filter(({ callable, routine }) => callable && !isAccepted(settings, routine.shown))
    .map((one) => ({
      ...one,
      undone: one.writes || one.unknown.length > 0 || one.routine.kind === "procedure",
      notCalled: setup.onClone === true ? whyNotOnClone(one, canLeave) : whyNotHere(one),
    }));
}

/** On the database itself: only what a rollback undoes, as far as the parsed body shows. */
function whyNotHere({ writes, unknown, escapes, routine }: OwnersRoutine): string | undefined {
  const onClone = "tenantry verify --on-clone calls it";
  const [what] = unknown;
  const [escaping] = escapes;
  if (escaping !== undefined)
    return `it calls ${escaping}, which a rollback may not undo; ${onClone}`;
  if (what !== undefined) return `it ${what}; ${onClone}`;
  if (writes || routine.kind === "procedure") return `it may write; ${onClone}`;
  return undefined;
}

/** On a clone: all but what may reach another server. */
function whyNotOnClone({ leaves }: OwnersRoutine, canLeave: boolean): string | undefined {
  const leaving = leaves.find((one) => one !== "dynamic SQL" || canLeave);
  return leaving === undefined ? undefined : `it may reach another server: ${leaving}`;
}

export type FunctionCall = {
  readonly of: OwnersFunction;
  readonly object: RelationName;
  /** As an item of FROM. */
  readonly from: Sql;
  /** As a statement. */
  readonly statement: Sql;
};

/**
 * Calls of each function with each of several values in every argument that takes it: organizations, keys
 * of rows, and a pattern. Arguments of other types get a constant, so that no function is left out.
 */
export function callsOf(
  functions: readonly OwnersFunction[],
  values: readonly string[],
): FunctionCall[] {
  return functions.flatMap((of) => {
    const { schema, name, arguments: taken, variadic, kind } = of.routine;
    const object = { schema, name };
    const types = taken.map(({ type }) => type);
    const seeds = types.length === 0 ? [""] : ["%", ...values];
    const calls = new Map<string, FunctionCall>();
    for (const seed of seeds) {
      const given = types.map((type, index) => {
        const value = valueFor(type, seed, values);
        const typed = sql`${value}::text::${raw(type)}`;
        return variadic && index === types.length - 1 ? sql`VARIADIC ${typed}` : typed;
      });
      const call = sql`${ident(object)}(${list(given)})`;
      const statement =
        kind === "procedure" ? sql`CALL ${call}` : sql`SELECT * FROM ${call} AS answer`;
      calls.set(JSON.stringify(call.values), { of, object, from: call, statement });
    }
    return [...calls.values()];
  });
}

/** A text that PostgreSQL casts to a type: the seed where it fits, else another value that does. */
function valueFor(type: string, seed: string, values: readonly string[]): string | null {
  if (type.endsWith("[]")) {
    const element = valueFor(type.slice(0, -2), seed, values);
    return element === null ? null : `{"${element.replaceAll(/["\\]/g, "\\$&")}"}`;
  }
  if (fits(seed, type)) return seed;
  const other = values.find((value) => fits(value, type));
  return other ?? constants[type] ?? null;
}

const constants: Readonly<Record<string, string>> = {
  boolean: "true",
  integer: "1",
  bigint: "1",
  smallint: "1",
  numeric: "1",
  "double precision": "1",
  real: "1",
  date: "2000-01-01",
  "timestamp with time zone": "2000-01-01",
  "timestamp without time zone": "2000-01-01",
  interval: "1 day",
  json: "{}",
  jsonb: "{}",
};

function fits(value: string, type: string): boolean {
  switch (type) {
    case "text":
    case "character varying":
    case "name":
      return true;
    case "uuid":
      return /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/.test(value);
    case "smallint":
      return /^-?[0-9]{1,4}$/.test(value);
    case "integer":
      return /^-?[0-9]{1,9}$/.test(value);
    case "bigint":
    case "numeric":
      return /^-?[0-9]{1,18}$/.test(value);
    default:
      return false;
  }
}
