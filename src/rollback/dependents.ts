import { z } from "zod";
import { AppError } from "../errors.ts";
import { readFencedTables } from "../journal/fenced-tables.ts";
import type { Run } from "../journal/journal.ts";
import { madeForeignKeys, madeUniqueIndexes } from "../journal/made-objects.ts";
import type { Session } from "../postgres/connection.ts";
import { list, type RelationName, type Sql, sql } from "../postgres/sql.ts";
import { organizationPolicies } from "../steps/model/organization-policies.ts";
import { isLater } from "../steps/model/stage.ts";
import { profileGuards, profilePermissions } from "../steps/profile/policies.ts";
import { policyNames } from "../steps/table/fence.ts";

const dependentSchema = z.object({ dependent: z.string(), on: z.string() });

/**
 * Looks for objects made by others that depend on what the rollback of these runs drops. The server
 * would refuse to drop the column or the function, when row-level security is already off. A run whose
 * rollback has begun was checked when it began.
 * @throws AppError ROLLBACK_REFUSED with all of them, before anything is undone
 */
export async function refuseForeignDependents(
  session: Session,
  runs: readonly Run[],
): Promise<void> {
  const asked = runs.filter(({ state }) => state !== "rolling back");
  const [run] = asked;
  if (run === undefined) return;
  const fences = runs.flatMap((one) => one.fences);
  const partitions = await partitionNames(session, fences);
  const partitionPolicies = partitions.flatMap((name) => Object.values(policyNames(name)));
  const statements = [
    ...asked
      .filter(({ stage }) => stage === "day3" || isLater(stage))
      .map(({ id }) => dependentsOnKeys(id, runs)),
    foreignDependents(
      {
        tenancy: run.tenancy,
        fences,
        // Day 3 makes neither columns nor tables.
        losing: asked.flatMap((one) => (one.stage === "day3" ? [] : one.fences)),
        losesOrganizations: asked.some(({ stage }) => stage === "day1"),
      },
      [...partitionPolicies, ...(await profilePolicies(session, run.tenancy))],
    ),
  ];
  const found: z.output<typeof dependentSchema>[] = [];
  for (const statement of statements) {
    found.push(...(await session.rows(statement, dependentSchema)));
  }
  if (found.length === 0) return;
  throw new AppError({
    code: "ROLLBACK_REFUSED",
    object: asked.map(({ stage }) => stage).join(", "),
    fault: "objects that Tenantry did not make depend on what the rollback drops",
    state: "nothing was undone",
    next: "drop or change the objects listed below, then run the same command again",
    details: [
      ...found.map(({ dependent, on }) => `${dependent} depends on ${on}`),
      ...(await missingTables(session, fences)).map(
        (name) =>
          `the table ${name} does not exist any more: if it was renamed, give it its old name back`,
      ),
    ],
  });
}

/** Tables that a stage has fenced and that were dropped or renamed since. */
async function missingTables(session: Session, fences: Run["fences"]): Promise<string[]> {
  const rows = await session.rows(
    sql`
      SELECT format('%I.%I', wanted.schema, wanted.name) AS name
        FROM ${named(fences.map(({ relation }) => relation))}
       WHERE to_regclass(format('%I.%I', wanted.schema, wanted.name)) IS NULL
    `,
    z.object({ name: z.string() }),
  );
  return rows.map(({ name }) => name);
}

/** The names of the fenced tables' partitions, after which their policies are named. */
async function partitionNames(session: Session, fences: Run["fences"]): Promise<string[]> {
  const rows = await session.rows(
    sql`
      SELECT c.relname::text AS name
        FROM ${named(fences.map(({ relation }) => relation))}
       CROSS JOIN LATERAL pg_partition_tree(to_regclass(format('%I.%I', wanted.schema, wanted.name))) AS tree
        JOIN pg_class c ON c.oid = tree.relid
    `,
    z.object({ name: z.string() }),
  );
  return rows.map(({ name }) => name);
}

/** The names of the policies of tables with a row for each user. */
async function profilePolicies(session: Session, tenancy: Run["tenancy"]): Promise<string[]> {
  const tables = await readFencedTables(session);
  return tables
    .filter((table) => table.as === "profile")
    .flatMap(({ relation }) => [
      ...profileGuards(relation, tenancy),
      ...profilePermissions(relation, tenancy),
    ])
    .map(({ name }) => name);
}

type Asked = Pick<Run, "tenancy" | "fences"> & {
  /** Those of the fences whose columns are dropped. */
  readonly losing: Run["fences"];
  readonly losesOrganizations: boolean;
};

function foreignDependents(asked: Asked, furtherPolicies: readonly string[]): Sql {
  return sql`
    WITH ${relationsOf(asked)},
    ${droppedBy(asked)}
    SELECT DISTINCT pg_describe_object(d.classid, d.objid, d.objsubid) AS dependent,
           pg_describe_object(d.refclassid, d.refobjid, d.refobjsubid) AS "on"
      FROM dropped
      JOIN pg_depend d ON d.refclassid = dropped.class
                      AND d.refobjid = dropped.object
                      AND d.refobjsubid = dropped.part
      LEFT JOIN pg_policy p ON d.classid = 'pg_policy'::regclass AND p.oid = d.objid
      LEFT JOIN pg_trigger t ON d.classid = 'pg_trigger'::regclass AND t.oid = d.objid
      LEFT JOIN pg_constraint k ON d.classid = 'pg_constraint'::regclass AND k.oid = d.objid
      LEFT JOIN pg_attrdef f ON d.classid = 'pg_attrdef'::regclass AND f.oid = d.objid
     WHERE d.deptype = 'n'
       AND NOT coalesce(p.polname = ANY (${[...ownPolicies(asked), ...furtherPolicies]}::text[]), FALSE)
       AND NOT coalesce(t.tgfoid IN (SELECT oid FROM helper), FALSE)
       AND NOT coalesce(k.conrelid IN (SELECT oid FROM fenced UNION SELECT oid FROM dropped_table), FALSE)
       AND NOT coalesce(f.adrelid IN (SELECT oid FROM fenced UNION SELECT oid FROM dropped_table), FALSE)
       AND NOT (d.classid = 'pg_proc'::regclass AND d.objid IN (SELECT oid FROM helper))
     ORDER BY 1
  `;
}

/** The relations that the statements above and below ask about, as queries of a WITH clause. */
function relationsOf({ tenancy, fences, losing, losesOrganizations }: Asked): Sql {
  const tables = named(fences.map(({ relation }) => relation));
  const losingTables = named(losing.map(({ relation }) => relation));
  return sql`fenced AS (
      SELECT c.oid
        FROM ${tables}
        JOIN pg_class c ON c.relname = wanted.name
        JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = wanted.schema
       UNION
      -- DROP COLUMN drops the column of each partition too.
      SELECT tree.relid::oid
        FROM ${tables}
       CROSS JOIN LATERAL pg_partition_tree(to_regclass(format('%I.%I', wanted.schema, wanted.name))) AS tree
    ),
    losing AS (
      SELECT tree.relid::oid AS oid
        FROM ${losingTables}
       CROSS JOIN LATERAL pg_partition_tree(to_regclass(format('%I.%I', wanted.schema, wanted.name))) AS tree
       UNION
      SELECT to_regclass(format('%I.%I', wanted.schema, wanted.name))::oid
        FROM ${losingTables}
    ),
    dropped_table AS (
      SELECT c.oid
        FROM ${named(losesOrganizations ? [tenancy.organizations, tenancy.memberships] : [])}
        JOIN pg_class c ON c.relname = wanted.name
        JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = wanted.schema
    ),
    helper AS (
      SELECT p.oid
        FROM pg_proc p
       WHERE p.pronamespace = to_regnamespace(quote_ident(${tenancy.helpers.schema}))
    )`;
}

/** What the rollback drops, as pg_depend names it. */
function droppedBy({ tenancy, losesOrganizations }: Asked): Sql {
  return sql`dropped AS (
      SELECT 'pg_class'::regclass AS class, a.attrelid AS object, a.attnum::integer AS part
        FROM losing
        JOIN pg_attribute a ON a.attrelid = losing.oid AND a.attname = ${tenancy.column}
       UNION ALL
      SELECT 'pg_class'::regclass, dropped_table.oid, part
        FROM dropped_table
       CROSS JOIN generate_series(0, 100) AS part
       UNION ALL
      SELECT 'pg_proc'::regclass, helper.oid, 0
        FROM helper
       WHERE ${losesOrganizations}
    )`;
}

/** The names of the policies that the stages make. */
function ownPolicies({ tenancy, fences, losesOrganizations }: Asked): string[] {
  const tables = fences.map(({ relation }) => relation);
  const whole = losesOrganizations ? [tenancy.organizations, tenancy.memberships] : [];
  const names = [...tables, ...whole].map(({ name }) => name);
  return [
    ...names.flatMap((name) => Object.values(policyNames(name))),
    ...Object.values(organizationPolicies.organizations),
    ...Object.values(organizationPolicies.memberships),
  ];
}

/**
 * Foreign keys made by others that reference a unique index of Day 3: the server would refuse to drop
 * that index when half of the stage is already undone. Foreign keys of the runs that are undone go with them.
 */
function dependentsOnKeys(runId: number, undone: readonly Run[]): Sql {
  const isMadeBy = ({ id }: Run) => sql`EXISTS (
             SELECT
               FROM ${madeForeignKeys(id)} AS own
              WHERE to_regnamespace(quote_ident(own.schema)) = child.relnamespace
                AND own."table" = child.relname
                AND own.name = k.conname
           )`;
  return sql`
    SELECT DISTINCT format('constraint %I on table %s', k.conname, k.conrelid::regclass) AS dependent,
           format('index %s', k.conindid::regclass) AS "on"
      FROM pg_constraint k
      JOIN pg_class key ON key.oid = k.conindid
      JOIN pg_class child ON child.oid = k.conrelid
      JOIN ${madeUniqueIndexes(runId)} AS made
        ON made.name = key.relname
       AND coalesce(to_regnamespace(quote_ident(made.schema)) = key.relnamespace, made.schema IS NULL)
     WHERE k.contype = 'f'
       AND k.conparentid = 0
       AND NOT (${list(undone.map(isMadeBy), " OR ")})
     ORDER BY 1
  `;
}

function named(relations: readonly RelationName[]): Sql {
  return sql`unnest(${relations.map(({ schema }) => schema)}::text[],
                          ${relations.map(({ name }) => name)}::text[]) AS wanted (schema, name)`;
}
