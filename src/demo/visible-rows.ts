import { z } from "zod";
import type { Settings } from "../config/settings.ts";
import type { Session } from "../postgres/connection.ts";
import { ident, sql } from "../postgres/sql.ts";
import { asRequest, signedInAs } from "../verify/proof/request.ts";
import { inRolledBackTransaction } from "../verify/proof/unnoticed.ts";

export type VisibleRows = {
  readonly tables: readonly string[];
  readonly rows: readonly {
    readonly user: string;
    readonly organization: string;
    readonly counts: readonly number[];
  }[];
};

const tables = ["leads", "campaigns", "call_logs", "sms_messages", "call_queue"];

/** The number of rows of some tables that one user of each organization and the database's owner see. */
export async function visibleRows(session: Session, settings: Settings): Promise<VisibleRows> {
  const { memberships, organizations } = settings.names;
  const people = await session.rows(
    sql`
      SELECT DISTINCT ON (o.slug) record.id::text AS id, record.email AS "user", o.name AS organization
        FROM ${ident(memberships)} m
        JOIN ${ident(organizations)} o ON o.id = m.organization_id
        JOIN ${ident(settings.users.relation)} AS record ON record.id = m.user_id
       ORDER BY o.slug, record.email
    `,
    z.object({ id: z.string(), user: z.string(), organization: z.string() }),
  );
  return inRolledBackTransaction(session, async (queries) => {
    const count = async (): Promise<number[]> => {
      const counts: number[] = [];
      for (const name of tables) {
        const [row] = await queries.rows(
          sql`
            SELECT count(*) AS count
              FROM ${ident({ schema: settings.schema, name })}
          `,
          z.object({ count: z.coerce.number() }),
        );
        counts.push(row?.count ?? 0);
      }
      return counts;
    };
    const rows: VisibleRows["rows"][number][] = [];
    for (const { id, user, organization } of people) {
      rows.push({
        user,
        organization,
        counts: await asRequest(queries, signedInAs(settings, id), count),
      });
    }
    rows.push({ user: "the database's owner", organization: "all", counts: await count() });
    return { tables, rows };
  });
}
