import { z } from "zod";
import { isNoSystemSchema } from "../../catalog/system-schemas.ts";
import { sql } from "../../postgres/sql.ts";
import { type PreflightCheck, quoted } from "../check.ts";

export const dumpPrivileges: PreflightCheck = {
  id: "dump-privileges",
  title: "SELECT on every table and sequence of the database",
  why: "pg_dump locks and reads all of them, and fails at the first one without the privilege",
  stops: [],
  async find({ queries, snapshot: { server } }) {
    const refused = await queries.rows(
      sql`
        SELECT n.nspname::text AS schema,
               NOT has_schema_privilege(n.oid, 'USAGE') AS closed,
               array_agg(c.relname::text ORDER BY c.relname) AS relations
          FROM pg_class c
          JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE c.relkind IN ('r', 'p', 'S')
           AND ${isNoSystemSchema(sql`n.nspname`)}
           AND NOT (has_table_privilege(c.oid, 'SELECT') AND has_schema_privilege(n.oid, 'USAGE'))
           -- pg_dump does not dump what an extension creates.
           AND NOT EXISTS (SELECT FROM pg_depend d
                            WHERE d.classid = 'pg_class'::regclass
                              AND d.objid = c.oid
                              AND d.deptype = 'e')
         GROUP BY n.oid, n.nspname
         ORDER BY n.nspname
      `,
      z.object({ schema: z.string(), closed: z.boolean(), relations: z.array(z.string()) }),
    );
    return refused.map(({ schema, closed, relations }) => {
      const to = quoted(server.user);
      const names = relations.map((name) => quoted({ schema, name })).join(", ");
      const usage = closed ? `GRANT USAGE ON SCHEMA ${quoted(schema)} TO ${to}; ` : "";
      return {
        severity: "blocking",
        what: {
          object: schema,
          fact: `${server.user} is not allowed to read ${relations.slice(0, 5).join(", ")}${relations.length > 5 ? ` and ${relations.length - 5} more` : ""}`,
        },
        fix: `${usage}GRANT SELECT ON ${names} TO ${to}`,
      };
    });
  },
};
