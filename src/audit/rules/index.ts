import type { Rule } from "../rule.ts";
import { definerFunction } from "./functions/definer-function.ts";
import { definerSearchPath } from "./functions/definer-search-path.ts";
import { definerTrigger } from "./functions/definer-trigger.ts";
import { escapingFunction } from "./functions/escaping-function.ts";
import { helpersExposed } from "./functions/helpers-exposed.ts";
import { immutableHelper } from "./functions/immutable-helper.ts";
import { leakproofFunction } from "./functions/leakproof-function.ts";
import { loginInPolicy } from "./policies/login-in-policy.ts";
import { settingInPolicy } from "./policies/setting-in-policy.ts";
import { storageOpen } from "./policies/storage-open.ts";
import { defaultPrivileges } from "./privileges/default-privileges.ts";
import { referencesGranted } from "./privileges/references-granted.ts";
import { roleBypasses } from "./privileges/role-bypasses.ts";
import { schemaCreate } from "./privileges/schema-create.ts";
import { triggerGranted } from "./privileges/trigger-granted.ts";
import { truncateGranted } from "./privileges/truncate-granted.ts";
import { definerView } from "./relations/definer-view.ts";
import { foreignTable } from "./relations/foreign-table.ts";
import { largeObjectShared } from "./relations/large-object-shared.ts";
import { materializedView } from "./relations/materialized-view.ts";
import { published } from "./relations/published.ts";
import { realtimeOpen } from "./relations/realtime-open.ts";
import { rewriteRule } from "./relations/rewrite-rule.ts";
import { sequenceWritable } from "./relations/sequence-writable.ts";
import { citus } from "./server/citus.ts";
import { scheduledJob } from "./server/scheduled-job.ts";
import { serverVersion } from "./server/server-version.ts";
import { constantDefault } from "./tables/constant-default.ts";
import { exemptOpen } from "./tables/exempt-open.ts";
import { foreignKeyAcross } from "./tables/foreign-key-across.ts";
import { membershipsWritable } from "./tables/memberships-writable.ts";
import { noGuard } from "./tables/no-guard.ts";
import { nullableOrganization } from "./tables/nullable-organization.ts";
import { organizationsWritable } from "./tables/organizations-writable.ts";
import { profileOpen } from "./tables/profile-open.ts";
import { rowSecurityOff } from "./tables/row-security-off.ts";
import { sharedTableWritable } from "./tables/shared-table-writable.ts";
import { uniqueAcross } from "./tables/unique-across.ts";
import { unlistedTable } from "./tables/unlisted-table.ts";

/** Every rule of the audit. A new one is a file beside these, and a line here. */
export const rules: readonly Rule[] = [
  citus,
  constantDefault,
  defaultPrivileges,
  definerFunction,
  definerSearchPath,
  definerTrigger,
  definerView,
  escapingFunction,
  exemptOpen,
  foreignKeyAcross,
  foreignTable,
  helpersExposed,
  immutableHelper,
  largeObjectShared,
  leakproofFunction,
  loginInPolicy,
  materializedView,
  membershipsWritable,
  noGuard,
  nullableOrganization,
  organizationsWritable,
  profileOpen,
  published,
  realtimeOpen,
  referencesGranted,
  rewriteRule,
  roleBypasses,
  rowSecurityOff,
  scheduledJob,
  schemaCreate,
  sequenceWritable,
  serverVersion,
  settingInPolicy,
  sharedTableWritable,
  storageOpen,
  triggerGranted,
  truncateGranted,
  uniqueAcross,
  unlistedTable,
];
