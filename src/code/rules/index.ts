import type { Rule } from "../rule.ts";
import { conflictColumns } from "./conflict-columns.ts";
import { embeddedTable } from "./embedded-table.ts";
import { insertWithoutOrganization } from "./insert-without-organization.ts";
import { organizationFromRequest } from "./organization-from-request.ts";
import { organizationOverwritten } from "./organization-overwritten.ts";
import { otherLibrary } from "./other-library.ts";
import { sharedCache } from "./shared-cache.ts";
import { sharedPath } from "./shared-path.ts";
import { unboundFunction } from "./unbound-function.ts";
import { unfencedQuery } from "./unfenced-query.ts";
import { unfencedSql } from "./unfenced-sql.ts";
import { unfencedSubscription } from "./unfenced-subscription.ts";
import { unlistedTable } from "./unlisted-table.ts";
import { unresolvedTable } from "./unresolved-table.ts";
import { upsertTakesOver } from "./upsert-takes-over.ts";

/** Every rule of the code's, in the order in which they are documented. */
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
