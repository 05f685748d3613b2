import { z } from "zod";
import { isUserSchema } from "../../catalog/system-schemas.ts";
import { ident, type RelationName, type Sql, sql } from "../../postgres/sql.ts";
import { type AttackSetup, labelOf } from "../attacks/attack-setup.ts";
import { isAccepted } from "../attacks/surroundings.ts";
import { insertLike } from "../rows/insert-like.ts";
import { nonTransactionalTriggerOf } from "../rows/non-transactional-triggers.ts";

/** A write that a member may make, and whose effects are looked at. */
export type LegalWrite = {
  readonly what: string;
  readonly object: RelationName;
  readonly statement: Sql;
  /** The statement without values of existing rows. */
  readonly redacted: Sql;
};

export type LegalWrites = {
  readonly writes: readonly LegalWrite[];
  /** What is not written to, and why. */
  readonly remarks: readonly string[];
};

/** Members insert, change and delete their own rows of each table. */
export async function writesToTables(setup: AttackSetup): Promise<LegalWrites> {
  const writes: LegalWrite[] = [];
  const remarks: string[] = [];
  for (const fence of setup.fences) {
    const trigger = await nonTransactionalTriggerOf(setup.queries, fence.relation);
    if (trigger === undefined) writes.push(...writesTo(setup, fence));
    else
      remarks.push(
        `${fence.label} was not written to: a rollback does not undo its trigger ${trigger}`,
      );
  }
  return { writes, remarks };
}

function writesTo(
  { tenancy, own }: AttackSetup,
  { relation, label, columns, testRows }: AttackSetup["fences"][number],
): readonly LegalWrite[] {
  const table = ident(relation);
  const column = ident(tenancy.column);
  const [sample] = testRows.records;
  const insert = insertLike(relation, tenancy.column, columns, sample)(own);
  // What has a default is left out, so that a default's function is called.
  const needed = columns.filter((one) => one.default !== "value");
  const defaults =
    needed.length < columns.length
      ? [insertLike(relation, tenancy.column, needed, sample)(own)]
      : [];
  const update = sql`UPDATE ${table} SET ${column} = ${own}::uuid WHERE ${column} = ${own}::uuid`;
  const remove = sql`DELETE FROM ${table} WHERE ${column} = ${own}::uuid`;
  return [
    { what: `inserting into ${label}`, object: relation, ...insert },
    ...defaults.map((one) => ({ what: `inserting into ${label}`, object: relation, ...one })),
    { what: `updating ${label}`, object: relation, statement: update, redacted: update },
    { what: `deleting from ${label}`, object: relation, statement: remove, redacted: remove },
  ];
}

const viewSchema = z.object({
  schema: z.string(),
  name: z.string(),
  /** Whether it shows whose a row is. */
  hasColumn: z.boolean(),
  updatable: z.string().nullable(),
  updates: z.boolean(),
  deletes: z.boolean(),
  inserts: z.boolean(),
  columns: z.array(z.string()),
});

/** The same through each view that requests may write to: by its own triggers and rules, or by itself. */
export async function writesThroughViews(setup: AttackSetup): Promise<LegalWrites> {
  const { queries, settings, tenancy } = setup;
  const { signedIn } = settings.roles;
  const views = await queries.rows(
    sql`
      SELECT n.nspname::text AS schema,
             c.relname::text AS name,
             EXISTS (SELECT
                       FROM pg_attribute a
                      WHERE a.attrelid = c.oid
                        AND a.attname = ${tenancy.column}
                        AND has_column_privilege(${signedIn}::text, c.oid, a.attnum, 'SELECT')) AS "hasColumn",
             (SELECT min(a.attname::text)
                FROM pg_attribute a
               WHERE a.attrelid = c.oid
                 AND a.attnum > 0
                 AND NOT a.attisdropped
                 AND has_column_privilege(${signedIn}::text, c.oid, a.attnum, 'UPDATE')) AS updatable,
             -- 4, 8 and 16: by the rules' and the triggers' own events too.
             pg_relation_is_updatable(c.oid, TRUE) & 4 > 0 AS updates,
             pg_relation_is_updatable(c.oid, TRUE) & 16 > 0
             AND has_table_privilege(${signedIn}::text, c.oid, 'DELETE') AS deletes,
             pg_relation_is_updatable(c.oid, TRUE) & 8 > 0 AS inserts,
             ARRAY(SELECT a.attname::text
                     FROM pg_attribute a
                    WHERE a.attrelid = c.oid
                      AND a.attnum > 0
                      AND NOT a.attisdropped
                      AND has_column_privilege(${signedIn}::text, c.oid, a.attnum, 'INSERT')) AS columns
        FROM pg_class c
        JOIN pg_namespace n ON n.oid = c.relnamespace
       WHERE c.relkind = 'v'
         AND ${isUserSchema(sql`n.nspname`)}
         AND has_schema_privilege(${signedIn}::text, n.oid, 'USAGE')
         AND pg_relation_is_updatable(c.oid, TRUE) & 28 > 0
         AND (has_table_privilege(${signedIn}::text, c.oid, 'INSERT, UPDATE, DELETE')
              OR has_any_column_privilege(${signedIn}::text, c.oid, 'INSERT, UPDATE'))
       ORDER BY 1, 2
    `,
    viewSchema,
  );
  const open = views.filter((view) => !isAccepted(settings, labelOf(view)));
  return { writes: open.flatMap((view) => writesThrough(setup, view)), remarks: [] };
}

function writesThrough(
  { tenancy, own, foreign }: AttackSetup,
  view: z.output<typeof viewSchema>,
): readonly LegalWrite[] {
  const object = { schema: view.schema, name: view.name };
  const label = labelOf(object);
  const table = ident(object);
  const column = ident(tenancy.column);
  // Only the proof's rows, where they can be told: others' rows would be locked.
  const where = view.hasColumn
    ? sql`WHERE ${column} = ANY (ARRAY[${own}, ${foreign}]::uuid[])`
    : sql``;
  const writes: LegalWrite[] = [];
  const add = (what: string, statement: Sql) =>
    writes.push({ what: `${what} the view ${label}`, object, statement, redacted: statement });
  if (view.updates && view.updatable !== null) {
    const set = ident(view.updatable);
    const value = view.updatable === tenancy.column ? sql`${own}::uuid` : set;
    add("updating", sql`UPDATE ${table} SET ${set} = ${value} ${where}`);
  }
  if (view.deletes) add("deleting from", sql`DELETE FROM ${table} ${where}`);
  if (view.inserts && view.columns.includes(tenancy.column)) {
    for (const organization of [own, foreign])
      add("inserting into", sql`INSERT INTO ${table} (${column}) VALUES (${organization}::uuid)`);
  }
  return writes;
}
