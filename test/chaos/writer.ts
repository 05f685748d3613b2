import { z } from "zod";
import { sql } from "../../src/postgres/sql.ts";
import { type SteadyWriters, startWriters } from "../../src/writers/steady-writers.ts";
import { writersKeys } from "./digest.ts";
import { type ChaosServer, company } from "./server.ts";

/** What the application's writer saw, and what is left of it. */
export type Written = {
  readonly longestWaitInMilliseconds: number;
  readonly writes: number;
  /** Rows that were acknowledged and are not there, or are there twice. */
  readonly problems: readonly string[];
};

/** Writes like the application, before and during a fault, to the database of the lattice. */
export function startWriter(server: ChaosServer): { stop(): Promise<Written> } {
  let key = writersKeys;
  const writers: SteadyWriters = startWriters(
    { url: server.url(company) },
    { writesPerSecond: 40, sessions: 1 },
    (_session, turn) => {
      const insert = turn % 2 === 0;
      const own = insert ? key++ : 1 + (turn % 200);
      return {
        table: "leads",
        verb: insert ? "insert" : "update",
        role: undefined,
        run: async (queries) => {
          await queries.execute(
            insert
              ? sql`INSERT INTO leads (id, person_id, phone) VALUES (${own}, ${1 + (own % 8)}, ${`written ${own}`})`
              : sql`UPDATE leads SET phone = phone WHERE id = ${own}`,
          );
        },
      };
    },
  );
  return {
    async stop() {
      const report = await writers.stop();
      const [found] = await server.inDatabase(company, (session) =>
        session.rows(
          sql`
            SELECT count(*)::integer AS rows,
                   count(*) FILTER (WHERE phone <> 'written ' || id)::integer AS changed
              FROM leads
             WHERE id >= ${writersKeys}
          `,
          z.object({ rows: z.number(), changed: z.number() }),
        ),
      );
      const { rows = 0, changed = 0 } = found ?? {};
      const acknowledged = report.insertedByTable["leads"] ?? 0;
      const problems = [];
      if (rows < acknowledged) problems.push(`${acknowledged - rows} acknowledged rows are lost`);
      // A commit whose answer was lost may have been made.
      if (rows > acknowledged + report.failed) problems.push("more rows than were ever written");
      if (changed > 0) problems.push(`${changed} of the writer's rows are changed`);
      return {
        longestWaitInMilliseconds: Math.round(report.longestWaitInMilliseconds),
        writes: report.writes,
        problems,
      };
    },
  };
}
