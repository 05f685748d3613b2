import { describeShards, readCitus } from "../catalog/server/citus.ts";
import type { CheckResult } from "../events/verification.ts";
import type { Queries } from "../postgres/connection.ts";
import { resultOf, violation } from "./proof/violation.ts";

/** Whether policies act as the catalog shows them: on Citus's shards a restrictive one is permissive. */
export async function verifyNoShards(queries: Queries): Promise<CheckResult> {
  const found = await readCitus(queries);
  const installed =
    found === undefined
      ? []
      : [
          violation(
            `the extension citus ${found.version} is installed in this database: on its shards a restrictive policy is permissive, so the guard is lost; ${describeShards(found)}`,
          ),
        ];
  return resultOf(
    "the extension citus is not installed: its shards would lose the guard",
    installed,
  );
}
