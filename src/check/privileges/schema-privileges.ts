import { z } from "zod";
import { sql } from "../../postgres/sql.ts";
import { type PreflightCheck, quoted, tablesAhead } from "../check.ts";

export const schemaPrivileges: PreflightCheck = {
  id: "schema-privileges",
  title: "CREATE on the schemas of the organizations and of the tenant tables",
  why: "the stages create tables and indexes in it; CREATE INDEX requires CREATE on the schema of the table",
  stops: [],
  async find(context) {
    const { queries, settings, snapshot } = context;
    const schemas = [
      settings.schema,
      ...tablesAhead(context).map(({ relation }) => relation.schema),
    ];
    const refused = await queries.rows(
      sql`
        SELECT n.nspname::text AS schema
          FROM pg_namespace n
         WHERE n.nspname = ANY (${[...new Set(schemas)]}::text[])
           AND NOT has_schema_privilege(n.oid, 'CREATE')
         ORDER BY n.nspname
      `,
      z.object({ schema: z.string() }),
    );
    const { user } = snapshot.server;
    return refused.map(({ schema }) => ({
      severity: "blocking",
      what: { object: schema, fact: `${user} is not allowed to create anything in the schema` },
      fix: `GRANT CREATE ON SCHEMA ${quoted(schema)} TO ${quoted(user)}`,
    }));
  },
};
