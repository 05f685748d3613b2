import { z } from "zod";
import { sql } from "../../postgres/sql.ts";
import type { Check } from "../check.ts";
import { neverForRequests, seeingAllRows } from "./seeing-all-rows.ts";

export const dumpRowSecurity: Check = {
  id: "dump-row-security",
  title: "tables whose policies bind the connected role",
  why: `a dump would lack the rows that policies hide, so pg_dump refuses, and no backup is made; ${neverForRequests}`,
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
      what: { object: name, fact: `its policies decide which rows ${server.user} sees` },
      fix: seeingAllRows(settings, server),
    }));
  },
};
