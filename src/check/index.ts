import { locks } from "./activity/locks.ts";
import { longTransactions } from "./activity/long-transactions.ts";
import { preparedTransactions } from "./activity/prepared-transactions.ts";
import { vacuum } from "./activity/vacuum.ts";
import { backupFolder } from "./backup/backup-folder.ts";
import { backupSpace } from "./backup/backup-space.ts";
import { clientPrograms } from "./backup/client-programs.ts";
import { gitIgnore } from "./backup/git-ignore.ts";
import { repository } from "./backup/repository.ts";
import { unfinishedBackups } from "./backup/unfinished-backups.ts";
import { unfinishedRestores } from "./backup/unfinished-restores.ts";
import type { PreflightCheck } from "./check.ts";
import { configuration } from "./configuration.ts";
import { journal } from "./journal.ts";
import { applicationRoles } from "./privileges/application-roles.ts";
import { databasePrivilege } from "./privileges/database-privilege.ts";
import { dumpPrivileges } from "./privileges/dump-privileges.ts";
import { dumpRowSecurity } from "./privileges/dump-row-security.ts";
import { forcedRowSecurity } from "./privileges/forced-row-security.ts";
import { impersonation } from "./privileges/impersonation.ts";
import { rolesBeside } from "./privileges/roles-beside.ts";
import { schemaPrivileges } from "./privileges/schema-privileges.ts";
import { archiving } from "./server/archiving.ts";
import { citus } from "./server/citus.ts";
import { connections } from "./server/connections.ts";
import { eventTriggers } from "./server/event-triggers.ts";
import { pooler } from "./server/pooler.ts";
import { readOnly } from "./server/read-only.ts";
import { replicaLag } from "./server/replica-lag.ts";
import { replicationSlots } from "./server/replication-slots.ts";
import { serverFaults } from "./server/server-faults.ts";
import { serverGrowth } from "./server/server-growth.ts";
import { serverVersion } from "./server/server-version.ts";
import { standby } from "./server/standby.ts";
import { timeouts } from "./server/timeouts.ts";
import { writeAheadLog } from "./server/write-ahead-log.ts";
import { crossingRows } from "./tables/crossing-rows.ts";
import { existingNames } from "./tables/existing-names.ts";
import { invalidIndexes } from "./tables/invalid-indexes.ts";
import { orphanedRows } from "./tables/orphaned-rows.ts";
import { primaryKeys } from "./tables/primary-keys.ts";
import { publications } from "./tables/publications.ts";
import { unattributedRows } from "./tables/unattributed-rows.ts";
import { unvalidatedConstraints } from "./tables/unvalidated-constraints.ts";
import { updateTriggers } from "./tables/update-triggers.ts";
import { usersTable } from "./tables/users-table.ts";
import { viaIndexes } from "./tables/via-indexes.ts";

/** All checks, in the order in which their findings are printed. */
export const checks: readonly PreflightCheck[] = [
  serverVersion,
  serverFaults,
  citus,
  standby,
  readOnly,
  pooler,
  timeouts,
  connections,
  locks,
  databasePrivilege,
  schemaPrivileges,
  usersTable,
  impersonation,
  forcedRowSecurity,
  dumpPrivileges,
  dumpRowSecurity,
  applicationRoles,
  rolesBeside,
  configuration,
  journal,
  existingNames,
  primaryKeys,
  viaIndexes,
  unattributedRows,
  orphanedRows,
  crossingRows,
  invalidIndexes,
  unvalidatedConstraints,
  updateTriggers,
  eventTriggers,
  longTransactions(),
  preparedTransactions,
  vacuum,
  replicationSlots,
  replicaLag,
  publications,
  serverGrowth,
  writeAheadLog,
  archiving,
  clientPrograms,
  backupFolder,
  backupSpace,
  unfinishedBackups,
  unfinishedRestores,
  repository,
  gitIgnore,
];
