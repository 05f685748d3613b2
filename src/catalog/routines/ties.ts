import type { Lookup } from "./lookup.ts";
import type { Equality, Query, QueryTable, Value } from "./query.ts";
import type { RelationFacts, Routine } from "./routine.ts";
import { askedBy, isSame, organizationColumnOf, type Tenants } from "./tenants.ts";

/** What must hold of an argument so that the rows it selects are the caller's organization's. */
export type Check = {
  /** Its position, from 0. */
  readonly argument: number;
  /** It is an organization's id, or the value of a column of a table. */
  readonly is: "organization" | { readonly relation: RelationFacts; readonly column: string };
};

/** What restricts the rows of a table in a query. */
export type Tie =
  | { readonly kind: "none" }
  | { readonly kind: "caller" }
  | { readonly kind: "arguments"; readonly checks: readonly Check[] };

/** A table that a query reads or writes, and what restricts its rows. */
export type Access = {
  readonly relation: RelationFacts;
  readonly use: QueryTable["use"];
  readonly tie: Tie;
};

type Occurrence = {
  readonly query: number;
  readonly alias: string;
  readonly use: QueryTable["use"];
  readonly relation: RelationFacts | undefined;
  tie: Tie;
};

type Resolved =
  | { readonly kind: "column"; readonly of: Occurrence; readonly column: string }
  | { readonly kind: "argument"; readonly position: number }
  | { readonly kind: "caller" | "organizations" | "other" };

const none: Tie = { kind: "none" };
const ofCaller: Tie = { kind: "caller" };

/**
 * What restricts each table that a body uses: equalities with the caller, with arguments, and with tables
 * that are restricted already. What is not understood restricts nothing.
 * @param firedOn the relations whose triggers call it: their NEW and OLD have passed the policies
 */
export function tiesOf(
  lookup: Lookup,
  tenants: Tenants,
  routine: Routine,
  firedOn: readonly RelationFacts[] = [],
): readonly Access[] {
  const { queries } = routine.body;
  const occurrences = queries.flatMap(({ tables }, query) =>
    tables.map(
      ({ alias, relation, use }): Occurrence => ({
        query,
        alias,
        use,
        relation: lookup.relation(routine, relation),
        tie: none,
      }),
    ),
  );
  const ofTrigger = firedOn.flatMap((relation) =>
    ["new", "old"].map(
      (alias): Occurrence => ({ query: -1, alias, use: "read", relation, tie: ofCaller }),
    ),
  );
  const reading = {
    lookup,
    tenants,
    routine,
    queries,
    occurrences: [...ofTrigger, ...occurrences],
  };
  for (let changed = true; changed; ) {
    changed = queries.some((query, id) =>
      query.equalities.map((one) => applied(reading, id, one)).includes(true),
    );
  }
  for (const [id, query] of queries.entries()) judgeWrites(reading, id, query);
  return occurrences.flatMap(({ relation, use, tie }) =>
    relation === undefined ? [] : [{ relation, use, tie }],
  );
}

type Reading = {
  readonly lookup: Lookup;
  readonly tenants: Tenants;
  readonly routine: Routine;
  readonly queries: readonly Query[];
  readonly occurrences: readonly Occurrence[];
};

/** The queries around a query, from itself outwards. */
function scopesOf({ queries }: Pick<Reading, "queries">, id: number): readonly number[] {
  const around = queries[id]?.within;
  return around === undefined ? [id] : [id, ...scopesOf({ queries }, around)];
}

function resolve(reading: Reading, id: number, value: Value): Resolved {
  const { tenants, routine, occurrences } = reading;
  if (value.kind === "parameter") return { kind: "argument", position: value.number - 1 };
  if (value.kind === "call") return { kind: askedBy(tenants, value) ?? "other" };
  if (value.kind === "other") return { kind: "other" };
  const { of, name } = value;
  for (const scope of [...scopesOf(reading, id), -1]) {
    // The columns of the table of an INSERT are no values.
    const here = occurrences.filter(({ query, use }) => query === scope && use !== "insert");
    const found = here.find(({ alias, relation }) =>
      of === undefined
        ? scope >= 0 && relation?.columns.includes(name) === true
        : alias === of && relation !== undefined,
    );
    if (found !== undefined) return { kind: "column", of: found, column: name };
    // A name may be a column of what is not known.
    if (of === undefined && here.some(({ relation }) => relation === undefined))
      return { kind: "other" };
  }
  const position = routine.arguments.findIndex((argument) => argument.name === name);
  const isArgument = position >= 0 && (of === undefined || of === routine.name);
  return isArgument ? { kind: "argument", position } : { kind: "other" };
}

/** Applies an equality both ways. @returns whether a table became restricted that was not */
function applied(reading: Reading, id: number, equality: Equality): boolean {
  const one = resolve(reading, id, equality.one);
  const other = resolve(reading, equality.otherIn ?? id, equality.other);
  const restricts = (occurrence: Occurrence): boolean => {
    if (occurrence.query === id)
      return equality.restricts === undefined || equality.restricts.includes(occurrence.alias);
    // A condition of EXISTS or IN restricts the query around it too.
    return filteredBy(reading, id).includes(occurrence.query) && equality.restricts === undefined;
  };
  const apply = (side: Resolved, value: Resolved): boolean => {
    if (side.kind !== "column" || side.of.tie.kind === "caller" || !restricts(side.of))
      return false;
    const tie = tieFrom(reading, side.of, side.column, value);
    if (tie.kind === "none" || tie.kind === side.of.tie.kind) return false;
    side.of.tie = tie;
    return true;
  };
  return [apply(one, other), apply(other, one)].includes(true);
}

function filteredBy({ queries }: Pick<Reading, "queries">, id: number): readonly number[] {
  const { within, filters } = queries[id] ?? {};
  return within === undefined || filters !== true
    ? []
    : [within, ...filteredBy({ queries }, within)];
}

function tieFrom(
  { lookup, tenants }: Reading,
  of: Occurrence,
  column: string,
  value: Resolved,
): Tie {
  const { relation } = of;
  if (relation === undefined) return none;
  const organization = organizationColumnOf(tenants, relation);
  if (value.kind === "organizations") return column === organization ? ofCaller : none;
  if (value.kind === "caller") {
    const isTheirs = isSame(relation, tenants.memberships) && column === "user_id";
    return isTheirs || organization === undefined ? ofCaller : none;
  }
  const reference = relation.foreignKeys.find((key) => key.column === column);
  if (value.kind === "argument") {
    const { position: argument } = value;
    if (column === organization) return checked({ argument, is: "organization" });
    if (organization === undefined) return none;
    if (column === relation.key) return checked({ argument, is: { relation, column } });
    const target = reference === undefined ? undefined : lookup.relationOf(reference.to);
    return target !== undefined && isKeyOf(tenants, target, reference?.toColumn)
      ? checked({ argument, is: { relation: target, column: target.key ?? "" } })
      : none;
  }
  if (value.kind !== "column" || value.of.relation === undefined) return none;
  const { of: source, column: sourceColumn } = value;
  const sourceRelation = value.of.relation;
  if (column === organization && sourceColumn === organizationColumnOf(tenants, sourceRelation))
    return source.tie;
  if (organization === undefined) return none;
  const points =
    reference?.to === sourceRelation.oid &&
    reference.toColumn === sourceColumn &&
    isKeyOf(tenants, sourceRelation, sourceColumn);
  const isPointedTo =
    isKeyOf(tenants, relation, column) &&
    sourceRelation.foreignKeys.some(
      (key) => key.column === sourceColumn && key.to === relation.oid && key.toColumn === column,
    );
  return points || isPointedTo ? source.tie : none;
}

/** Whether a column is the key of a table whose rows have an organization. */
function isKeyOf(tenants: Tenants, relation: RelationFacts, column: string | undefined): boolean {
  return relation.key === column && organizationColumnOf(tenants, relation) !== undefined;
}

/** Restricts what INSERT and UPDATE write: the organization of a row, and the rows that it references. */
function judgeWrites(reading: Reading, id: number, query: Query): void {
  const { tenants, queries, occurrences } = reading;
  const [target] = occurrences.filter((one) => one.query === id);
  const relation = target?.relation;
  if (target === undefined || relation === undefined) return;
  const organization = organizationColumnOf(tenants, relation);
  if (organization === undefined || !["insert", "update"].includes(target.use)) return;
  const below = queries.findIndex(({ within, filters }) => within === id && filters);
  const scope = target.use === "insert" && below >= 0 ? below : id;
  const ties = query.written.flatMap(({ column, value }) => {
    const resolved = resolve(reading, scope, value);
    if (column === organization) return tieFrom(reading, target, column, resolved);
    const tie = referenceTie(reading, relation, column, resolved);
    return tie === undefined ? [] : tie;
  });
  if (target.use === "insert") {
    target.tie = query.namesColumns && !query.updatesOnConflict ? all(ties) : none;
  } else target.tie = all([target.tie, ...ties]);
}

/** What must hold of an argument that becomes a foreign key; one that includes the organization needs no check. */
function referenceTie(
  { lookup, tenants }: Reading,
  relation: RelationFacts,
  column: string,
  value: Resolved,
): Tie | undefined {
  const key = relation.foreignKeys.find((one) => one.column === column);
  if (key === undefined || value.kind !== "argument") return undefined;
  const organization = organizationColumnOf(tenants, relation);
  const includesIt = relation.foreignKeys.some(
    (one) => one.column === organization && one.to === key.to,
  );
  const target = lookup.relationOf(key.to);
  if (includesIt || target === undefined || !isKeyOf(tenants, target, key.toColumn))
    return undefined;
  return checked({ argument: value.position, is: { relation: target, column: key.toColumn } });
}

/** All of several restrictions. */
function all(ties: readonly Tie[]): Tie {
  if (ties.some(({ kind }) => kind === "none")) return none;
  const checks = ties.flatMap((tie) => (tie.kind === "arguments" ? tie.checks : []));
  return checks.length === 0 ? ofCaller : { kind: "arguments", checks };
}

function checked(check: Check): Tie {
  return { kind: "arguments", checks: [check] };
}
