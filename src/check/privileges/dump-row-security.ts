import { z } from "zod";
import { sql } from "../../postgres/sql.ts";
import type { PreflightCheck } from "../check.ts";
import { neverForRequests, seeingAllRows } from "./seeing-all-rows.ts";

export const dumpRowSecurity: PreflightCheck = {
  id: "dump-row-security",
  title: "tables whose policies apply to the connected role",
  why: `pg_dump refuses tables whose policies would hide rows, so no backup can be made. ${neverForRequests}`,
  stops: [],
  async find({ queries, settings, snapshot: { server } }) {
    const bound = await queries.rows(
      sql`
        SELECT format('%I.%I', n.nspname, c.relname) AS name
          FROM pg_class c
          JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE c.relkind IN ('r', 'p')
           AND c.relrowsecurity
           AND row_security_active(c.oid)
         ORDER BY n.nspname, c.relname
      `,
      z.object({ name: z.string() }),
    );
    return bound.map(({ name }) => ({
      severity: "blocking",
      what: { object: name, fact: `its policies apply to ${server.user}` },
      fix: seeingAllRows(settings, server),
    }));
  },
};
