import { raw, type Sql, sql } from "../../../postgres/sql.ts";
import { isUserSchema } from "../../system-schemas.ts";

/** A condition: the schema `n` (pg_namespace) belongs to the application. */
export const inUserSchema: Sql = isUserSchema(sql`n.nspname`);

/** A condition: no extension owns the object. */
export function notOfExtension(catalog: string, object: string): Sql {
  return raw(
    `NOT EXISTS (SELECT FROM pg_depend x WHERE x.classid = '${catalog}'::regclass AND x.objid = ${object} AND x.deptype = 'e')`,
  );
}

/** Grants as sorted text; for a NULL ACL pass the built-in default. */
export function grants(acl: string): Sql {
  return raw(`(SELECT string_agg(g::text, ',' ORDER BY g::text) FROM unnest(${acl}) AS g)`);
}

/** The name of the relation `c` (pg_class) of the schema `n`. */
export const relation: Sql = raw(`format('%I.%I', n.nspname, c.relname)`);
