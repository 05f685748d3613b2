import type { Rule } from "../rule.ts";
import { catalogChanged } from "./functions/catalog-changed.ts";
import { definerFunction } from "./functions/definer-function.ts";
import { definerSearchPath } from "./functions/definer-search-path.ts";
import { definerTrigger } from "./functions/definer-trigger.ts";
import { escapingFunction } from "./functions/escaping-function.ts";
import { firstOrganization } from "./functions/first-organization.ts";
import { helpersExposed } from "./functions/helpers-exposed.ts";
import { immutableHelper } from "./functions/immutable-helper.ts";
import { leakproofFunction } from "./functions/leakproof-function.ts";
import { signUpTrusted } from "./functions/sign-up-trusted.ts";
import { loginInPolicy } from "./policies/login-in-policy.ts";
import { settingInPolicy } from "./policies/setting-in-policy.ts";
import { storageOpen } from "./policies/storage-open.ts";
import { defaultPrivileges } from "./privileges/default-privileges.ts";
import { grantOption } from "./privileges/grant-option.ts";
import { ownedByRequests } from "./privileges/owned-by-requests.ts";
import { predefinedRole } from "./privileges/predefined-role.ts";
import { referencesGranted } from "./privileges/references-granted.ts";
import { roleBeside } from "./privileges/role-beside.ts";
import { roleBypasses } from "./privileges/role-bypasses.ts";
import { roleSetting } from "./privileges/role-setting.ts";
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
import { statementsReadable } from "./relations/statements-readable.ts";
import { systemCatalog } from "./relations/system-catalog.ts";
import { userMapping } from "./relations/user-mapping.ts";
import { viewWrites } from "./relations/view-writes.ts";
import { citus } from "./server/citus.ts";
import { eventTrigger } from "./server/event-trigger.ts";
import { scheduledJob } from "./server/scheduled-job.ts";
import { serverVersion } from "./server/server-version.ts";
import { constantDefault } from "./tables/constant-default.ts";
import { disabledChecks } from "./tables/disabled-checks.ts";
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
  catalogChanged,
  citus,
  constantDefault,
  defaultPrivileges,
  definerFunction,
  definerSearchPath,
  definerTrigger,
  definerView,
  disabledChecks,
  escapingFunction,
  eventTrigger,
  exemptOpen,
  firstOrganization,
  foreignKeyAcross,
  foreignTable,
  grantOption,
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
  ownedByRequests,
  predefinedRole,
  profileOpen,
  published,
  realtimeOpen,
  referencesGranted,
  rewriteRule,
  roleBeside,
  roleBypasses,
  roleSetting,
  rowSecurityOff,
  scheduledJob,
  schemaCreate,
  sequenceWritable,
  serverVersion,
  settingInPolicy,
  sharedTableWritable,
  signUpTrusted,
  statementsReadable,
  storageOpen,
  systemCatalog,
  triggerGranted,
  truncateGranted,
  uniqueAcross,
  unlistedTable,
  userMapping,
  viewWrites,
];
