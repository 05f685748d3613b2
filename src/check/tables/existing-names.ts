import { z } from "zod";
import { sql } from "../../postgres/sql.ts";
import { type Check, type Found, namesAhead, quoted, tablesAhead } from "../check.ts";

export const existingNames: Check = {
  id: "existing-names",
  title: "columns and triggers of the names that the plan gives its own",
  why: "the plan makes its own and would fail at the name; an earlier attempt may have left it",
  stops: [],
  async find(context) {
    const { queries, settings, stages } = context;
    const { organizationColumn } = settings.names;
    const triggers = await queries.rows(
      sql`
        SELECT format('%I.%I', n.nspname, c.relname) AS name
          FROM pg_trigger t
          JOIN pg_class c ON c.oid = t.tgrelid
          JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE c.oid = ANY (${
           // Day 1 and Day 2 make them, and Day 3 finds them there.
           stages.every(({ name }) => name === "day3") ? [] : namesAhead(context)
         }::text[]::regclass[])
           AND t.tgname = '~attribute_organization'
           AND to_regclass('tenantry.run') IS NULL
      `,
      z.object({ name: z.string() }),
    );
    const begins = stages.some(({ name }) => name === "day1");
    return [
      ...triggers.map(
        ({ name }): Found => ({
          severity: "blocking",
          what: { object: name, fact: "has a trigger ~attribute_organization already" },
          fix: `DROP TRIGGER "~attribute_organization" ON ${name}`,
        }),
      ),
      ...(begins ? tablesAhead(context) : []).flatMap(({ relation, existing }): Found[] =>
        existing.columns.some(({ name, type }) => name === organizationColumn && type === "uuid")
          ? [
              {
                severity: "advisory",
                what: {
                  object: relation.name,
                  fact: `has a column ${organizationColumn} already, and what it holds is kept`,
                },
                why: "rows with an organization that does not exist fail the stage's foreign key",
                fix: `SELECT ${quoted(organizationColumn)}, count(*) FROM ${quoted(relation)} GROUP BY 1 shows what it holds; or name another column in names.organizationColumn`,
              },
            ]
          : [],
      ),
    ];
  },
};
