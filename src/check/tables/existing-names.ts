import { z } from "zod";
import { sql } from "../../postgres/sql.ts";
import { type Found, namesAhead, type PreflightCheck, quoted, tablesAhead } from "../check.ts";

export const existingNames: PreflightCheck = {
  id: "existing-names",
  title: "existing columns and triggers with names that the plan uses",
  why: "a step would fail because the name exists; an earlier attempt may have left it",
  stops: [],
  async find(context) {
    const { queries, settings, stages } = context;
    const { organizationColumn } = settings.names;
    const triggers = await queries.rows(
      sql`
        SELECT format('%I.%I', n.nspname, c.relname) AS name,
               quote_ident(t.tgname) AS trigger
          FROM pg_trigger t
          JOIN pg_class c ON c.oid = t.tgrelid
          JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE c.oid = ANY (${
           // Day 1 and Day 2 create them, so on Day 3 they exist.
           stages.every(({ name }) => name === "day3") ? [] : namesAhead(context)
         }::text[]::regclass[])
           AND t.tgname IN ('~attribute_organization', '~attribute_organization_of_request')
           AND to_regclass('tenantry.run') IS NULL
      `,
      z.object({ name: z.string(), trigger: z.string() }),
    );
    const begins = stages.some(({ name }) => name === "day1");
    return [
      ...triggers.map(
        ({ name, trigger }): Found => ({
          severity: "blocking",
          what: { object: name, fact: `already has a trigger ${trigger.replaceAll('"', "")}` },
          fix: `DROP TRIGGER ${trigger} ON ${name}`,
        }),
      ),
      ...(begins ? tablesAhead(context) : []).flatMap(({ relation, existing }): Found[] =>
        existing.columns.some(({ name, type }) => name === organizationColumn && type === "uuid")
          ? [
              {
                severity: "advisory",
                what: {
                  object: relation.name,
                  fact: `already has a column ${organizationColumn}; its values are kept`,
                },
                why: "rows with an organization that does not exist violate the foreign key of the stage",
                fix: `SELECT ${quoted(organizationColumn)}, count(*) FROM ${quoted(relation)} GROUP BY 1 shows its values; or set another name in names.organizationColumn`,
              },
            ]
          : [],
      ),
    ];
  },
};
