import { z } from "zod";
import { sql } from "../../postgres/sql.ts";
import { namesAhead, type PreflightCheck } from "../check.ts";

export const unvalidatedConstraints: PreflightCheck = {
  id: "unvalidated-constraints",
  title: "constraints that are NOT VALID",
  why: "a row that violates it cannot be updated, so the backfill fails; a row that violates a foreign key has no parent to take its organization from",
  stops: [],
  async find(context) {
    const constraints = await context.queries.rows(
      sql`
        SELECT format('%I.%I', n.nspname, c.relname) AS name,
               quote_ident(k.conname) AS constraint
          FROM pg_constraint k
          JOIN pg_class c ON c.oid = k.conrelid
          JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE c.oid = ANY (${namesAhead(context)}::text[]::regclass[])
           AND NOT k.convalidated
           AND k.coninhcount = 0
         ORDER BY c.relname, k.conname
      `,
      z.object({ name: z.string(), constraint: z.string() }),
    );
    return constraints.map(({ name, constraint }) => ({
      severity: "advisory",
      what: { object: name, fact: `its constraint ${constraint} is NOT VALID` },
      fix: `ALTER TABLE ${name} VALIDATE CONSTRAINT ${constraint}`,
    }));
  },
};
