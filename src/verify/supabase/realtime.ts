import { z } from "zod";
import { type Sql, sql } from "../../postgres/sql.ts";
import { type AttackSetup, attackersRequest, joinOnly } from "../attacks/attack-setup.ts";
import { isAcceptedRule } from "../attacks/surroundings.ts";
import { attempt, attemptRows } from "../proof/attempt.ts";
import type { Request } from "../proof/request.ts";
import type { Violation } from "../proof/violation.ts";
import type { Tried } from "../tables/try-writes.ts";

const relation = { schema: "realtime", name: "messages" };

/** How applications name the channels of an organization. */
const topicsOf = (organization: string) => [
  organization,
  `organization:${organization}`,
  `org:${organization}`,
  `tenant:${organization}`,
];

/**
 * Supabase's private channels: a member can neither read nor write messages in another organization's.
 * The Realtime server checks it in the same way: as the user, with the topic as a setting, it reads and
 * writes a row of `realtime.messages`.
 */
export async function tryRealtime(setup: AttackSetup): Promise<Tried> {
  const { queries, foreign, settings } = setup;
  const there = await attemptRows(
    queries,
    sql`SELECT topic FROM realtime.messages LIMIT 1`,
    z.object({ topic: z.string().nullable() }),
  );
  // Realtime is not installed.
  if (there.kind === "refused") return { violations: [], remarks: [] };
  if (isAcceptedRule(settings, "realtime-open")) return { violations: [], remarks: [] };
  await joinOnly(setup, ["own"]);
  const violations = new Map<string, Violation>();
  const remarks = new Set<string>();
  for (const topic of topicsOf(foreign)) {
    const said = await attempt(queries, saying(topic));
    if (said.kind === "refused") {
      remarks.add(`no message could be written to a channel: ${said.message}`);
      continue;
    }
    const own = attackersRequest(setup);
    const request: Request = { ...own, settings: [...own.settings, ["realtime.topic", topic]] };
    const shown = (statement: Sql, answer: string) => ({
      ...{ who: "a member", request, object: relation },
      ...{ statement, answer },
    });
    const listening = sql`SELECT topic FROM realtime.messages WHERE topic = ${topic}`;
    const heard = await attemptRows(queries, listening, z.object({ topic: z.string() }), request);
    if (heard.kind === "done" && heard.rows.length > 0) {
      const what = "a message in a channel of another organization can be read";
      violations.set(what, { what, shown: shown(listening, `${topic}, which the proof made`) });
    }
    const spoken = await attempt(queries, saying(topic), request);
    if (spoken.kind === "done") {
      const what = "a message can be written to a channel of another organization";
      violations.set(what, { what, shown: shown(saying(topic), "it was written") });
    }
  }
  return { violations: [...violations.values()], remarks: [...remarks] };
}

function saying(topic: string): Sql {
  return sql`INSERT INTO realtime.messages (topic, extension) VALUES (${topic}, 'broadcast')`;
}
