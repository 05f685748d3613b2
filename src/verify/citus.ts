import { describeShards, readCitus } from "../catalog/server/citus.ts";
import type { CheckResult } from "../events/events.ts";
import type { Queries } from "../postgres/connection.ts";
import { resultOf, violation } from "./proof/violation.ts";

/** Whether policies are what the catalog says: on Citus's shards a restrictive one is permissive. */
export async function verifyNoShards(queries: Queries): Promise<CheckResult> {
  const found = await readCitus(queries);
  const installed =
    found === undefined
      ? []
      : [
          violation(
            `the extension citus ${found.version} is installed in this database: on its shards a restrictive policy is a permissive one, and the guard is lost; ${describeShards(found)}`,
          ),
        ];
  return resultOf("no shards of Citus lose the guard: the extension is not installed", installed);
}
