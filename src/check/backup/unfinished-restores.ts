import { z } from "zod";
import { beingRestoredSuffix } from "../../backup/restore/restore.ts";
import { sql } from "../../postgres/sql.ts";
import { type PreflightCheck, quoted } from "../check.ts";

export const unfinishedRestores: PreflightCheck = {
  id: "unfinished-restores",
  title: "databases that an interrupted restore left",
  why: "it takes disk space on the server, and the next restore needs its name",
  stops: [],
  async find({ queries }) {
    const databases = await queries.rows(
      sql`
        SELECT datname::text AS name
          FROM pg_database
         WHERE right(datname, ${beingRestoredSuffix.length}) = ${beingRestoredSuffix}
         ORDER BY datname
      `,
      z.object({ name: z.string() }),
    );
    return databases.map(({ name }) => ({
      severity: "advisory",
      what: { object: name, fact: "a restore into it did not finish" },
      fix: `if no restore is running now: DROP DATABASE ${quoted(name)} WITH (FORCE)`,
    }));
  },
};
