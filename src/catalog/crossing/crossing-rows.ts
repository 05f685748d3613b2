import { z } from "zod";
import { formatCount } from "../../number-formats.ts";
import { ident, list, type Sql, sql } from "../../postgres/sql.ts";
import { inOrder, refersTo, rowNamedBy, rowOf } from "../orphans.ts";
import type { ForeignKey, Relation } from "../relations.ts";

/** A table of a foreign key, with the organization of its rows. */
export type Side = {
  readonly relation: Relation;
  /** What to select from: the table itself, or a query of its rows with the organization. */
  readonly from: Sql;
  /** The column of the organization in it. */
  readonly column: string;
};

/** A foreign key between tables whose rows belong to an organization each. */
export type Pair = { readonly child: Side; readonly parent: Side; readonly key: ForeignKey };

/** How many rows are named, and how many combinations of organizations. */
const named = 5;

/** The rows of a table as the foreign key compares them: without those of tables that inherit from it. */
export function rowsOf({ schema, name, kind }: Relation): Sql {
  const table = ident({ schema, name });
  return kind === "partitioned table" ? table : sql`ONLY ${table}`;
}

const combinationSchema = z.object({ own: z.string(), theirs: z.string(), rows: z.number() });

/** Rows in one organization that reference rows in another. */
export type Combination = z.output<typeof combinationSchema>;

export const crossingSchema = z.object({
  crossing: z.coerce.number(),
  total: z.coerce.number(),
  combinations: z.array(combinationSchema),
  /** The primary keys of some. */
  rows: z.array(z.string()),
});

export type Crossing = z.output<typeof crossingSchema>;

/** The rows that cross: `record` references `parent`, in another organization. */
function crossing({ child, parent, key }: Pair): Sql {
  return sql`${child.from} AS record
        JOIN ${parent.from} AS parent ON ${refersTo(key)}
       WHERE parent.${ident(parent.column)} <> record.${ident(child.column)}`;
}

/**
 * Counts the rows that are in another organization than the row that they reference; one row, also if
 * there are none.
 * @param unless a condition that rules such rows out without reading all rows
 */
export function countCrossing(pair: Pair, unless: Sql = sql`FALSE`): Sql {
  const { child, parent } = pair;
  const { indexes } = child.relation;
  const keyed = indexes.some(({ primary }) => primary);
  return sql`
    WITH crossing AS MATERIALIZED (
      SELECT record.${ident(child.column)} AS own,
             parent.${ident(parent.column)} AS theirs,
             ${keyed ? rowOf(indexes) : sql`NULL::text`} AS identity
        FROM ${crossing(pair)}
         AND NOT (${unless})
       ${keyed ? sql`ORDER BY ${inOrder(indexes)}` : sql``}
    )
    SELECT found.many AS crossing,
           CASE WHEN found.many > 0
                THEN (SELECT count(*) FROM ${rowsOf(child.relation)})
                ELSE 0
           END AS total,
           (SELECT coalesce(json_agg(json_build_object('own', few.own, 'theirs', few.theirs, 'rows', few.many)), '[]')
              FROM (SELECT own,
                           theirs,
                           count(*) AS many
                      FROM crossing
                     GROUP BY own, theirs
                     ORDER BY count(*) DESC, own, theirs
                     LIMIT ${named}) AS few) AS combinations,
           ARRAY(SELECT identity FROM crossing WHERE identity IS NOT NULL LIMIT ${named}) AS rows
      FROM (SELECT count(*) AS many FROM crossing) AS found
  `;
}

/** The query for all such rows, for people: by their primary key, or whole where there is none. */
export function listCrossing(pair: Pair): Sql {
  const { child, parent, key } = pair;
  const primary = child.relation.indexes.find((one) => one.primary)?.columns ?? [];
  const names = [...new Set([...primary.filter((name) => name !== null), ...key.columns])];
  const columns = [
    ...names.map((name) => sql`record.${ident(name)}`),
    sql`record.${ident(child.column)} AS own`,
    sql`parent.${ident(parent.column)} AS theirs`,
  ];
  return sql`SELECT ${list(columns)} FROM ${crossing(pair)}`;
}

/** What a count is told with. */
type Words = {
  readonly child: string;
  readonly parent: string;
  readonly are: "are" | "would be";
  /** An organization's name, by its id. */
  readonly nameOf: (organization: string) => string;
};

/** As in `3 of 100 calls are in another organization than their row of leads: 3 in Alpha, of leads in Beta; id 1, 2, 3`. */
export function describeCrossing(
  { crossing: many, total, combinations, rows }: Crossing,
  indexes: Relation["indexes"],
  { child, parent, are, nameOf }: Words,
): string {
  const told = combinations.map(
    (one) =>
      `${formatCount(one.rows)} in ${nameOf(one.own)}, of ${parent} in ${nameOf(one.theirs)}`,
  );
  const left = many - combinations.reduce((sum, one) => sum + one.rows, 0);
  const some = rows.length < many ? `${rows.join(", ")}, …` : rows.join(", ");
  return [
    `${formatCount(many)} of ${formatCount(total)} ${child} ${are} in another organization than their row of ${parent}: ${told.join("; ")}`,
    ...(left === 0 ? [] : [`${formatCount(left)} in others`]),
    ...(rows.length === 0 ? [] : [`${rowNamedBy(indexes)} ${some}`]),
  ].join("; ");
}

/** The rule's name and the object under which the configuration accepts such rows. */
export const crossingRule = "crossing-rows";
