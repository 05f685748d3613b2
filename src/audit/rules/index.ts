import type { Rule } from "../rule.ts";
import { citus } from "./citus.ts";
import { constantDefault } from "./constant-default.ts";
import { defaultPrivileges } from "./default-privileges.ts";
import { definerFunction } from "./definer-function.ts";
import { definerSearchPath } from "./definer-search-path.ts";
import { definerTrigger } from "./definer-trigger.ts";
import { definerView } from "./definer-view.ts";
import { escapingFunction } from "./escaping-function.ts";
import { foreignKeyAcross } from "./foreign-key-across.ts";
import { foreignTable } from "./foreign-table.ts";
import { helpersExposed } from "./helpers-exposed.ts";
import { immutableHelper } from "./immutable-helper.ts";
import { largeObjectShared } from "./large-object-shared.ts";
import { leakproofFunction } from "./leakproof-function.ts";
import { loginInPolicy } from "./login-in-policy.ts";
import { materializedView } from "./materialized-view.ts";
import { membershipsWritable } from "./memberships-writable.ts";
import { noGuard } from "./no-guard.ts";
import { nullableOrganization } from "./nullable-organization.ts";
import { organizationsWritable } from "./organizations-writable.ts";
import { published } from "./published.ts";
import { realtimeOpen } from "./realtime-open.ts";
import { referencesGranted } from "./references-granted.ts";
import { rewriteRule } from "./rewrite-rule.ts";
import { roleBypasses } from "./role-bypasses.ts";
import { rowSecurityOff } from "./row-security-off.ts";
import { scheduledJob } from "./scheduled-job.ts";
import { schemaCreate } from "./schema-create.ts";
import { sequenceWritable } from "./sequence-writable.ts";
import { serverVersion } from "./server-version.ts";
import { settingInPolicy } from "./setting-in-policy.ts";
import { sharedTableWritable } from "./shared-table-writable.ts";
import { storageOpen } from "./storage-open.ts";
import { triggerGranted } from "./trigger-granted.ts";
import { truncateGranted } from "./truncate-granted.ts";
import { uniqueAcross } from "./unique-across.ts";
import { unlistedTable } from "./unlisted-table.ts";

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
