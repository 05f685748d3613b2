import type { TableUse, WrittenName } from "./query.ts";
import {
  ofDelete,
  ofInsert,
  ofSelect,
  ofTruncate,
  ofUpdate,
  type RelationFacts,
  type Routine,
  type Routines,
} from "./routine.ts";

/** Finds what the names in a body mean. */
export type Lookup = {
  readonly routines: Routines;
  readonly relation: (by: Routine, name: WrittenName) => RelationFacts | undefined;
  readonly relationOf: (oid: string) => RelationFacts | undefined;
  /** All overloads of the name. */
  readonly called: (by: Routine, name: WrittenName) => readonly Routine[];
  readonly routineOf: (oid: string) => Routine | undefined;
  /** The nodes of the catalog that a body uses. */
  readonly usedBy: (routine: Routine) => readonly Used[];
};

/** A node (`pg_class 16384`), with what is done with it where it is a relation. */
export type Used = { readonly node: string; readonly uses: number };

/** What is done with a table, as bits of pg_trigger.tgtype. */
export function bitsOf(use: TableUse): number {
  switch (use) {
    case "read":
      return ofSelect;
    case "insert":
      return ofInsert;
    case "update":
      return ofUpdate | ofSelect;
    case "delete":
      return ofDelete | ofSelect;
    case "merge":
      return ofInsert | ofUpdate | ofDelete | ofSelect;
    case "truncate":
      return ofTruncate;
    case "other":
      return ofInsert | ofSelect;
    default:
      return use satisfies never;
  }
}

export function lookupIn(routines: Routines): Lookup {
  const relations = grouped(routines.relations);
  const functions = grouped(routines.routines);
  const named = grouped(routines.named);
  const byOid = new Map(routines.routines.map((one) => [one.oid, one]));
  const relationByOid = new Map(routines.relations.map((one) => [one.oid, one]));
  const found = <One extends { schema: string }>(
    all: ReadonlyMap<string, readonly One[]>,
    by: Routine,
    { schema, name }: WrittenName,
  ): readonly One[] => {
    const candidates = all.get(name) ?? [];
    const schemas = schema === undefined ? pathOf(routines, by) : [schema];
    return schemas.flatMap((one) => candidates.filter((candidate) => candidate.schema === one));
  };
  const relation: Lookup["relation"] = (by, name) => found(relations, by, name)[0];
  const called: Lookup["called"] = (by, name) => found(functions, by, name);
  return {
    routines,
    relation,
    called,
    relationOf: (oid) => relationByOid.get(oid),
    routineOf: (oid) => byOid.get(oid),
    usedBy: (routine) => [
      ...routine.body.queries.flatMap(({ tables }) =>
        tables.flatMap(({ relation: name, use }) => {
          const one = relation(routine, name);
          return one === undefined ? [] : [{ node: `pg_class ${one.oid}`, uses: bitsOf(use) }];
        }),
      ),
      ...routine.body.calls
        .flatMap((name) => called(routine, name))
        .map(({ oid }) => ({ node: `pg_proc ${oid}`, uses: 0 })),
      ...[...routine.body.operators, ...routine.body.types]
        .flatMap((name) => found(named, routine, name))
        .map(({ object }) => ({ node: object, uses: 0 })),
    ],
  };
}

/** The schemas in which a function finds names: its own search_path, or that of the session. */
function pathOf({ searchPath }: Routines, { settings }: Routine): readonly string[] {
  const own = settings.find((setting) => setting.startsWith("search_path="));
  if (own === undefined) return searchPath;
  return own
    .slice("search_path=".length)
    .split(",")
    .map((schema) =>
      schema
        .trim()
        .replace(/^"(.*)"$/, "$1")
        .replaceAll('""', '"'),
    );
}

function grouped<One extends { name: string }>(
  all: readonly One[],
): ReadonlyMap<string, readonly One[]> {
  const groups = new Map<string, One[]>();
  for (const one of all) groups.set(one.name, [...(groups.get(one.name) ?? []), one]);
  return groups;
}
