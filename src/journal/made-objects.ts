import { type Sql, sql } from "../postgres/sql.ts";

/**
 * The unique indexes that the steps of a run have made, as a FROM item with the columns `schema` and
 * `name`; `schema` is NULL where an earlier version journaled the step.
 */
export function madeUniqueIndexes(runId: number): Sql {
  return sql`(
      SELECT made.object -> 'index' ->> 'schema' AS schema,
             made.object -> 'index' ->> 'name' AS name
        FROM tenantry.step
       CROSS JOIN jsonb_array_elements(definition -> 'makes') AS made (object)
       WHERE run_id = ${runId}
         AND state IN ('applied', 'running')
         AND made.object ->> 'kind' = 'unique index'
       UNION
      SELECT NULL,
             named.name
        FROM (${namesUndone(runId)}) AS named
       WHERE named.state IN ('applied', 'running')
         AND (named.step LIKE '%/organization-key' OR named.step LIKE '%/unique-constraint')
    )`;
}

/**
 * The foreign keys that the steps of a run make, also those that are pending, as a FROM item with the
 * columns `schema` and `table` of the referencing table, and `name`.
 */
export function madeForeignKeys(runId: number): Sql {
  return sql`(
      SELECT made.object -> 'table' ->> 'schema' AS schema,
             made.object -> 'table' ->> 'name' AS "table",
             made.object ->> 'constraint' AS name
        FROM tenantry.step
       CROSS JOIN jsonb_array_elements(definition -> 'makes') AS made (object)
       WHERE run_id = ${runId}
         AND made.object ->> 'kind' = 'foreign key'
       UNION
      SELECT named.schema,
             named."table",
             named.name
        FROM (${namesUndone(runId)}) AS named
       WHERE named.step LIKE '%foreign-key'
    )`;
}

/**
 * For steps whose definition does not list what they make, which earlier versions journaled: every name
 * that their inverse quotes.
 */
function namesUndone(runId: number): Sql {
  return sql`
        SELECT step.id AS step,
               step.state,
               step.definition -> 'table' ->> 'schema' AS schema,
               step.definition -> 'table' ->> 'name' AS "table",
               replace(quoted.match[1], '""', '"') AS name
          FROM tenantry.step
         CROSS JOIN jsonb_path_query(step.definition, '$.down.sql[*].parts[*]') AS part (text)
         CROSS JOIN regexp_matches(part.text #>> '{}', '"((?:[^"]|"")+)"', 'g') AS quoted (match)
         WHERE step.run_id = ${runId}
           AND NOT step.definition ? 'makes'`;
}
