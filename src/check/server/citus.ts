import { type Citus, describeShards, readCitus } from "../../catalog/server/citus.ts";
import type { Check } from "../check.ts";

export const citus: Check = {
  id: "citus",
  title: "the extension citus, which loses restrictive policies",
  why: "Citus keeps a restrictive policy as a permissive one on its shards: the guard of each tenant table is lost there, and any other permissive policy opens the table",
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
  const nothing =
    "Tenantry does not support Citus yet; running the stages before the tables are distributed does not help, since distributing them loses the guard";
  const unused = tables.kind === "read" && tables.names.length === 0;
  return unused
    ? `${nothing}. If no table is ever to be distributed: DROP EXTENSION citus`
    : `${nothing}. There is no command for it`;
}
