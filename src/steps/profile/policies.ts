import { ident, list, type RelationName, type Sql, sql } from "../../postgres/sql.ts";
import { nameFor } from "../model/naming.ts";
import { isOneOf, type Tenancy } from "../model/tenancy.ts";

/** The functions that the policies of tables of users call, in the helpers' schema. */
export function profileHelpers({ helpers: { schema } }: Tenancy): {
  /** The current user, and the members of the current user's organizations. */
  readonly colleagues: RelationName;
  /** The current user alone. */
  readonly self: RelationName;
} {
  return {
    colleagues: { schema, name: "caller_colleagues" },
    self: { schema, name: "caller_profile" },
  };
}

/** A policy of a table of users; `command` as in pg_policy. */
export type ProfilePolicy = {
  readonly name: string;
  readonly command: "r" | "w" | "d" | "*";
  readonly permissive: boolean;
  /** The helpers whose users its rows must be of. */
  readonly using: RelationName;
  readonly check: RelationName | undefined;
};

/**
 * Restrictive policies, which narrow every other: rows of colleagues are read, and one's own row alone is
 * written. The first alone would let another policy open UPDATE and DELETE of colleagues' rows.
 */
export function profileGuards(relation: RelationName, tenancy: Tenancy): readonly ProfilePolicy[] {
  const { colleagues, self } = profileHelpers(tenancy);
  const own = (after: string) => nameFor("Only their own ", relation.name, after);
  return [
    {
      name: nameFor("Only colleagues' ", relation.name, ""),
      command: "*",
      permissive: false,
      using: colleagues,
      check: self,
    },
    { name: own(" (UPDATE)"), command: "w", permissive: false, using: self, check: self },
    { name: own(" (DELETE)"), command: "d", permissive: false, using: self, check: undefined },
  ];
}

/** What users may do; which of it requests can do at all is decided by the table's grants. */
export function profilePermissions(
  relation: RelationName,
  tenancy: Tenancy,
): readonly ProfilePolicy[] {
  const { colleagues, self } = profileHelpers(tenancy);
  return [
    {
      name: nameFor("Users view colleagues' ", relation.name, ""),
      command: "r",
      permissive: true,
      using: colleagues,
      check: undefined,
    },
    {
      name: nameFor("Users manage their own ", relation.name, ""),
      command: "*",
      permissive: true,
      using: self,
      check: self,
    },
  ];
}

const commands = { r: sql`SELECT`, w: sql`UPDATE`, d: sql`DELETE`, "*": sql`ALL` } as const;

/** CREATE POLICY. @param user the column with the user's id */
export function createProfilePolicy(
  relation: RelationName,
  user: string,
  { name, command, permissive, using, check }: ProfilePolicy,
): Sql {
  return list(
    [
      sql`CREATE POLICY ${ident(name)}`,
      sql`ON ${ident(relation)}`,
      ...(permissive ? [] : [sql`AS RESTRICTIVE`]),
      sql`FOR ${commands[command]}`,
      sql`USING (${isOneOf(user, using)})`,
      ...(check === undefined ? [] : [sql`WITH CHECK (${isOneOf(user, check)})`]),
    ],
    "\n  ",
  );
}

const word = '(\\w+|"([^"]|"")+")';

/** A condition as the server prints it: a column is one of what a function returns. */
export const printedCondition = `^\\(${word} = ANY \\(ARRAY\\( SELECT ${word}(\\.${word})?\\(\\) AS ${word}\\)\\)\\)$`;

/** Whether a policy `p` (pg_policy) is a guard as it is planned, for all roles. */
export function isProfileGuard({ command, using, check }: ProfilePolicy): Sql {
  const calls = (expression: Sql, helper: RelationName) => sql`
          ${expression} ~ ${printedCondition}
          AND position(${`${helper.name}()`}::text IN replace(${expression}, '"', '')) > 0
          AND EXISTS (SELECT
                        FROM pg_depend d
                        JOIN pg_proc f ON f.oid = d.refobjid
                        JOIN pg_namespace n ON n.oid = f.pronamespace
                       WHERE d.classid = 'pg_policy'::regclass
                         AND d.objid = p.oid
                         AND d.refclassid = 'pg_proc'::regclass
                         AND n.nspname = ${helper.schema}
                         AND f.proname = ${helper.name})`;
  return sql`NOT p.polpermissive
          AND p.polcmd = ${command}
          AND p.polroles = '{0}'
          AND ${calls(sql`pg_get_expr(p.polqual, p.polrelid)`, using)}
          ${check === undefined ? sql`` : sql`AND ${calls(sql`pg_get_expr(p.polwithcheck, p.polrelid)`, check)}`}`;
}
