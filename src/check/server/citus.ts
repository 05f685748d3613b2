import { type Citus, describeShards, readCitus } from "../../catalog/server/citus.ts";
import type { PreflightCheck } from "../check.ts";

export const citus: PreflightCheck = {
  id: "citus",
  title: "the extension citus, which makes restrictive policies permissive on its shards",
  why: "without the restrictive policy of each tenant table, any other permissive policy opens the table to every tenant",
  stops: ["run"],
  async find({ queries, snapshot }) {
    const found = await readCitus(queries);
    if (found === undefined) return [];
    return [
      {
        severity: "blocking",
        what: {
          object: `the extension citus ${found.version}`,
          fact: `is installed in ${snapshot.server.database}; ${describeShards(found)}`,
        },
        fix: wayOut(found),
      },
    ];
  },
};

function wayOut({ tables }: Citus): string {
  const unsupported =
    "Tenantry does not support Citus yet. Running the stages before the tables are distributed does not help: distributing a table makes its restrictive policy permissive";
  const unused = tables.kind === "read" && tables.names.length === 0;
  return unused
    ? `${unsupported}. If no table will ever be distributed: DROP EXTENSION citus`
    : `${unsupported}`;
}
