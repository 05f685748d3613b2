import { faultsOf } from "../../../catalog/server/known-faults.ts";
import { sql } from "../../../postgres/sql.ts";
import type { Rule } from "../../rule.ts";

export const serverVersion: Rule = {
  id: "server-version",
  severity: "high",
  title: "The server has known faults of row-level security",
  why: "Because of these bugs in PostgreSQL, rows can be read or written despite correct policies. A later minor version of the same major fixes them.",
  source: "https://www.postgresql.org/support/security/",
  findings: ({ serverVersion: version }) => {
    const faults = faultsOf(version).filter(({ pastPolicies }) => pastPolicies !== undefined);
    const names = faults.map(({ pastPolicies }) => pastPolicies).join(", ");
    return sql`
      SELECT 'the server' AS object,
             format('is PostgreSQL %s, which has %s', current_setting('server_version'), ${names}::text) AS fact,
             '-- update it to the latest minor version of its major' AS fix
       WHERE ${faults.length}::integer > 0
    `;
  },
  mutants: [
    {
      kind: "pretence",
      name: "a server that was not updated",
      leak: "server-version",
      pretends: (context) => ({ ...context, serverVersion: 150003 }),
    },
    {
      kind: "pretence",
      name: "a server whose cached plans outlive a change of roles",
      leak: "server-version",
      pretends: (context) => ({ ...context, serverVersion: 150018 }),
    },
  ],
};
