import { z } from "zod";
import { findRelation } from "../../catalog/snapshot.ts";
import { sql } from "../../postgres/sql.ts";
import { type PreflightCheck, quoted } from "../check.ts";

export const usersTable: PreflightCheck = {
  id: "users-table",
  title: "SELECT, REFERENCES and TRIGGER on the users' table",
  why: "memberships are created from it and reference it, and a trigger on it gives new users a membership",
  stops: [],
  async find({ queries, settings, snapshot }) {
    const { relation } = settings.users;
    if (findRelation(snapshot, relation) === undefined) return [];
    const refused = await queries.rows(
      sql`
        SELECT privilege
          FROM unnest(ARRAY['SELECT', 'REFERENCES', 'TRIGGER']) AS privilege
         WHERE NOT has_table_privilege(${quoted(relation)}::text::regclass, privilege)
      `,
      z.object({ privilege: z.string() }),
    );
    if (refused.length === 0) return [];
    const privileges = refused.map(({ privilege }) => privilege).join(", ");
    const { user } = snapshot.server;
    return [
      {
        severity: "blocking",
        what: { object: settings.users.table, fact: `${user} lacks ${privileges} on it` },
        fix: `GRANT ${privileges} ON ${quoted(relation)} TO ${quoted(user)}`,
      },
    ];
  },
};
