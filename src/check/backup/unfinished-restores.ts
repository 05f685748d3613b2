import { z } from "zod";
import { beingRestoredSuffix } from "../../backup/restore/restore.ts";
import { sql } from "../../postgres/sql.ts";
import { type Check, quoted } from "../check.ts";

export const unfinishedRestores: Check = {
  id: "unfinished-restores",
  title: "databases that a restore was ended in",
  why: "it takes the server's space, and the next restore in place wants its name",
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
      what: { object: name, fact: "a restore into it has not come to its end" },
      fix: `where no restore is under way: DROP DATABASE ${quoted(name)} WITH (FORCE)`,
    }));
  },
};
