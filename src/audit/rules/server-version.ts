import { sql } from "../../postgres/sql.ts";
import type { Rule } from "../rule.ts";

export const serverVersion: Rule = {
  id: "server-version",
  severity: "high",
  title: "The server has known faults of row-level security",
  why: "Fixed minor versions: CVE-2025-8713 (statistics show rows past policies) in 13.22, 14.19, 15.14, 16.10, 17.6; CVE-2023-39418 (MERGE ignores policies) in 15.4; CVE-2023-2455 (policies of the wrong user) in 13.11, 14.8, 15.3; CVE-2024-10976 (reused queries below a subquery) in 13.17, 14.14, 15.9, 16.5, 17.1.",
  source: "https://www.postgresql.org/support/security/",
  findings: (context) => sql`
    SELECT 'the server' AS object,
           format('is PostgreSQL %s', current_setting('server_version')) AS fact,
           '-- update it to the latest minor version of its major' AS mend
     WHERE ${context.serverVersion}::integer
           < CASE ${Math.floor(context.serverVersion / 10_000)}::integer
               WHEN 14 THEN 140019
               WHEN 15 THEN 150014
               WHEN 16 THEN 160010
               WHEN 17 THEN 170006
               ELSE 0
             END
  `,
  mutants: [
    {
      kind: "pretence",
      name: "a server that was not updated",
      leak: "server-version",
      pretends: (context) => ({ ...context, serverVersion: 150003 }),
    },
  ],
};
