import type { TriedCommand } from "../../events/verification.ts";
import { ident, list, type Sql, sql } from "../../postgres/sql.ts";
import { foreignRows, type Trial } from "../proof/trial.ts";

/** A write that must not change others' rows. */
export type AttemptedWrite = {
  readonly command: TriedCommand;
  readonly what: string;
  readonly statement: Sql;
  /** The statement without values of existing rows. */
  readonly redacted: Sql;
};

function write(command: TriedCommand, what: string, statement: Sql, redacted = statement) {
  return { command, what, statement, redacted };
}

/** Writes to others' rows, with and without WHERE; none where others have no rows. */
export function writesOf(trial: Trial): readonly AttemptedWrite[] {
  const { fence, tenancy } = trial;
  const table = ident(fence.relation);
  const column = ident(tenancy.column);
  const { organizations } = trial.actor;
  const own = organizations[0];
  const foreign = foreignRows(trial);
  const target = foreign[0];
  if (target === undefined) return [];
  // Their own rows stay as they are: two of their organizations may have the same unique value.
  const stolen = sql`CASE WHEN ${column} = ANY (${organizations}::uuid[]) THEN ${column} ELSE ${own ?? null}::uuid END`;
  return [
    // Without WHERE only the policies for UPDATE apply, not those for SELECT.
    write(
      "UPDATE",
      "a blind UPDATE",
      own === undefined
        ? sql`UPDATE ${table} SET ${column} = ${target}::uuid`
        : sql`UPDATE ${table} SET ${column} = ${stolen}`,
    ),
    write(
      "UPDATE",
      "an UPDATE of others' rows",
      sql`UPDATE ${table} SET ${column} = ${own ?? target}::uuid WHERE ${column} = ANY (${foreign}::uuid[])`,
    ),
    ...upsert(trial, own ?? target),
    ...merge(trial),
    write(
      "DELETE",
      "a DELETE of others' rows",
      sql`DELETE FROM ${table} WHERE ${column} = ANY (${foreign}::uuid[])`,
    ),
    // Policies do not apply. Where it is granted and only a foreign key refuses it, that is reported.
    write("TRUNCATE", "a TRUNCATE", sql`TRUNCATE ${table}`),
    ...(own === undefined
      ? []
      : [
          write(
            "UPDATE",
            "a row pushed to others",
            sql`UPDATE ${table} SET ${column} = ${target}::uuid WHERE ${column} = ${own}::uuid`,
          ),
          // Without WHERE the policies for SELECT do not apply to the new row either.
          write(
            "UPDATE",
            "a row blindly pushed to others",
            sql`UPDATE ${table} SET ${column} = ${target}::uuid`,
          ),
        ]),
  ];
}

/** An upsert on the key of another's row, which an attacker may know: INSERT … ON CONFLICT (key) DO UPDATE. */
function upsert(trial: Trial, organization: string): readonly AttemptedWrite[] {
  const { fence, tenancy, facts, testRows } = trial;
  const { key } = facts;
  // A key that includes the organization does not conflict with another organization's.
  if (key === undefined || key.includes(tenancy.column)) return [];
  const table = ident(fence.relation);
  const column = ident(tenancy.column);
  const foreign = foreignRows(trial);
  const target = testRows.records.find((_, index) =>
    foreign.includes(testRows.owners[index] ?? ""),
  );
  if (target === undefined) return [];
  const columns = facts.columns.filter(({ given }) => given);
  const names = columns.map(({ name }) => ident(name));
  const like = (record: Sql) => sql`
    INSERT INTO ${table} (${list([column, ...names])})
           OVERRIDING SYSTEM VALUE
    SELECT ${list([sql`${organization}::uuid`, ...names.map((name) => sql`(theirs.record).${name}`)])}
      FROM (SELECT ${record} AS record) AS theirs
        ON CONFLICT (${list(key.map((name) => ident(name)))}) DO UPDATE
       SET ${column} = ${organization}::uuid
  `;
  const what = "an upsert by the key of others' row";
  return [
    write("UPDATE", what, like(sql`${target}::${table}`), like(sql`'(a row of others)'::${table}`)),
  ];
}

function merge({ fence, facts }: Trial): readonly AttemptedWrite[] {
  if (!facts.merges) return [];
  const statement = sql`MERGE INTO ${ident(fence.relation)} USING (SELECT 1) AS one ON TRUE WHEN MATCHED THEN DELETE`;
  return [write("DELETE", "a blind MERGE", statement)];
}
