import type { Rule } from "./rule.ts";
import { conflictColumns } from "./rules/conflict-columns.ts";
import { embeddedTable } from "./rules/embedded-table.ts";
import { insertWithoutOrganization } from "./rules/insert-without-organization.ts";
import { organizationFromRequest } from "./rules/organization-from-request.ts";
import { organizationOverwritten } from "./rules/organization-overwritten.ts";
import { otherLibrary } from "./rules/other-library.ts";
import { sharedCache } from "./rules/shared-cache.ts";
import { sharedPath } from "./rules/shared-path.ts";
import { unboundFunction } from "./rules/unbound-function.ts";
import { unfencedQuery } from "./rules/unfenced-query.ts";
import { unfencedSql } from "./rules/unfenced-sql.ts";
import { unfencedSubscription } from "./rules/unfenced-subscription.ts";
import { unlistedTable } from "./rules/unlisted-table.ts";
import { unresolvedTable } from "./rules/unresolved-table.ts";
import { upsertTakesOver } from "./rules/upsert-takes-over.ts";

/** All rules for code, in the order of docs/code.md. */
export const rules: readonly Rule[] = [
  unfencedQuery,
  insertWithoutOrganization,
  organizationOverwritten,
  organizationFromRequest,
  conflictColumns,
  upsertTakesOver,
  embeddedTable,
  unfencedSubscription,
  unfencedSql,
  unresolvedTable,
  sharedCache,
  sharedPath,
  unboundFunction,
  unlistedTable,
  otherLibrary,
];
