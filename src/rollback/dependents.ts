import { z } from "zod";
import { AppError } from "../errors.ts";
import type { Run } from "../journal/journal.ts";
import type { Session } from "../postgres/connection.ts";
import { type RelationName, type Sql, sql } from "../postgres/sql.ts";
import { policyNames } from "../steps/table/fence.ts";

const dependentSchema = z.object({ dependent: z.string(), on: z.string() });

/**
 * Looks for what others have made on what the rollback of these runs drops: the server would refuse at
 * the column or the function, when the fences are down already. What each of them made, another may
 * stand on. A run whose rollback has begun was asked about then.
 * @throws AppError ROLLBACK_REFUSED with all of it; nothing is undone then
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
  const statements = [
    ...asked.filter(({ stage }) => stage === "day3").map(({ id }) => dependentsOnKeys(id)),
    foreignDependents(
      {
        tenancy: run.tenancy,
        fences,
        // Day 3 makes no column and no table.
        losing: asked.flatMap((one) => (one.stage === "day3" ? [] : one.fences)),
        losesOrganizations: asked.some(({ stage }) => stage === "day1"),
      },
      partitions,
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
    fault: "what others have made depends on what it would drop",
    state: "nothing was undone",
    next: "drop or change what is listed, and run the same command again",
    details: [
      ...found.map(({ dependent, on }) => `${dependent} depends on ${on}`),
      ...(await missingTables(session, fences)).map(
        (name) =>
          `${name} is not there any more: where it has another name now, give it its own back`,
      ),
    ],
  });
}

/** Tables that the stage has fenced, and that were dropped or renamed since. */
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

/** The names of the fenced tables' partitions, whose policies the stage names after them. */
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

type Asked = Pick<Run, "tenancy" | "fences"> & {
  /** Of the fences, those whose columns go. */
  readonly losing: Run["fences"];
  readonly losesOrganizations: boolean;
};

function foreignDependents(
  { tenancy, fences, losing, losesOrganizations }: Asked,
  partitions: readonly string[],
): Sql {
  const tables = fences.map(({ relation }) => relation);
  const whole = losesOrganizations ? [tenancy.organizations, tenancy.memberships] : [];
  const names = [...[...tables, ...whole].map(({ name }) => name), ...partitions];
  const ours = names.flatMap((name) => Object.values(policyNames(name)));
  return sql`
    WITH fenced AS (
      SELECT c.oid
        FROM ${named(tables)}
        JOIN pg_class c ON c.relname = wanted.name
        JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = wanted.schema
       UNION
      -- A column goes from the partitions too, and what depends on theirs is in the way as well.
      SELECT tree.relid::oid
        FROM ${named(tables)}
       CROSS JOIN LATERAL pg_partition_tree(to_regclass(format('%I.%I', wanted.schema, wanted.name))) AS tree
    ),
    losing AS (
      SELECT tree.relid::oid AS oid
        FROM ${named(losing.map(({ relation }) => relation))}
       CROSS JOIN LATERAL pg_partition_tree(to_regclass(format('%I.%I', wanted.schema, wanted.name))) AS tree
       UNION
      SELECT to_regclass(format('%I.%I', wanted.schema, wanted.name))::oid
        FROM ${named(losing.map(({ relation }) => relation))}
    ),
    dropped_table AS (
      SELECT c.oid
        FROM ${named(whole)}
        JOIN pg_class c ON c.relname = wanted.name
        JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = wanted.schema
    ),
    helper AS (
      SELECT p.oid
        FROM pg_proc p
       WHERE p.pronamespace = to_regnamespace(quote_ident(${tenancy.helpers.schema}))
    ),
    dropped AS (
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
    )
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
       AND NOT coalesce(p.polname = ANY (${[...ours, ...organizationPolicies]}::text[]), FALSE)
       AND NOT coalesce(t.tgfoid IN (SELECT oid FROM helper), FALSE)
       AND NOT coalesce(k.conrelid IN (SELECT oid FROM fenced UNION SELECT oid FROM dropped_table), FALSE)
       AND NOT coalesce(f.adrelid IN (SELECT oid FROM fenced UNION SELECT oid FROM dropped_table), FALSE)
       AND NOT (d.classid = 'pg_proc'::regclass AND d.objid IN (SELECT oid FROM helper))
     ORDER BY 1
  `;
}

/**
 * Foreign keys that others have made onto the keys that Day 3 made: the server would refuse to drop
 * those, when half of the day is undone already. Its own are steps of the run.
 */
function dependentsOnKeys(runId: number): Sql {
  return sql`
    SELECT DISTINCT format('constraint %I on table %s', k.conname, k.conrelid::regclass) AS dependent,
           format('index %s', k.conindid::regclass) AS "on"
      FROM tenantry.step made
      JOIN pg_constraint k ON k.contype = 'f' AND k.conparentid = 0
      JOIN pg_class key ON key.oid = k.conindid
      JOIN pg_class child ON child.oid = k.conrelid
      JOIN pg_namespace n ON n.oid = child.relnamespace
     WHERE made.run_id = ${runId}
       AND made.state IN ('applied', 'running')
       AND (made.id LIKE '%/organization-key' OR made.id LIKE '%/unique-constraint')
       AND ${isNamedIn(sql`made`, sql`key.relname`)}
       AND NOT EXISTS (
             SELECT
               FROM tenantry.step own
              WHERE own.run_id = made.run_id
                AND own.definition -> 'table' ->> 'schema' = n.nspname
                AND own.definition -> 'table' ->> 'name' = child.relname
                AND own.id LIKE '%foreign-key'
                AND ${isNamedIn(sql`own`, sql`k.conname`)}
           )
     ORDER BY 1
  `;
}

/** Whether what undoes a step says a name. */
function isNamedIn(step: Sql, name: Sql): Sql {
  return sql`EXISTS (SELECT
                       FROM jsonb_path_query(${step}.definition, '$.down.sql[*].parts[*]') AS part
                      WHERE position(format('"%s"', replace(${name}, '"', '""')) IN part #>> '{}') > 0)`;
}

/** Of the two tables that Day 1 makes, as stages/day1/memberships.ts names them. */
const organizationPolicies = [
  "Users view their org memberships",
  "Only their org memberships",
  "Owners update their organization",
  "Users view their organization",
  "Only their organization",
];

function named(relations: readonly RelationName[]): Sql {
  return sql`unnest(${relations.map(({ schema }) => schema)}::text[],
                          ${relations.map(({ name }) => name)}::text[]) AS wanted (schema, name)`;
}
