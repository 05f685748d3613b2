import { applicationRoles } from "./application-roles.ts";
import { archiving } from "./archiving.ts";
import { backupFolder } from "./backup-folder.ts";
import { backupSpace } from "./backup-space.ts";
import type { Check } from "./check.ts";
import { citus } from "./citus.ts";
import { clientPrograms } from "./client-programs.ts";
import { configuration } from "./configuration.ts";
import { connections } from "./connections.ts";
import { databasePrivilege } from "./database-privilege.ts";
import { dumpPrivileges } from "./dump-privileges.ts";
import { dumpRowSecurity } from "./dump-row-security.ts";
import { eventTriggers } from "./event-triggers.ts";
import { existingNames } from "./existing-names.ts";
import { forcedRowSecurity } from "./forced-row-security.ts";
import { gitIgnore } from "./git-ignore.ts";
import { impersonation } from "./impersonation.ts";
import { invalidIndexes } from "./invalid-indexes.ts";
import { journal } from "./journal.ts";
import { locks } from "./locks.ts";
import { longTransactions } from "./long-transactions.ts";
import { orphanedRows } from "./orphaned-rows.ts";
import { pooler } from "./pooler.ts";
import { preparedTransactions } from "./prepared-transactions.ts";
import { primaryKeys } from "./primary-keys.ts";
import { publications } from "./publications.ts";
import { readOnly } from "./read-only.ts";
import { replicaLag } from "./replica-lag.ts";
import { replicationSlots } from "./replication-slots.ts";
import { repository } from "./repository.ts";
import { schemaPrivileges } from "./schema-privileges.ts";
import { serverFaults } from "./server-faults.ts";
import { serverGrowth } from "./server-growth.ts";
import { serverVersion } from "./server-version.ts";
import { standby } from "./standby.ts";
import { timeouts } from "./timeouts.ts";
import { unattributedRows } from "./unattributed-rows.ts";
import { unfinishedBackups } from "./unfinished-backups.ts";
import { unfinishedRestores } from "./unfinished-restores.ts";
import { unvalidatedConstraints } from "./unvalidated-constraints.ts";
import { updateTriggers } from "./update-triggers.ts";
import { usersTable } from "./users-table.ts";
import { vacuum } from "./vacuum.ts";
import { viaIndexes } from "./via-indexes.ts";
import { writeAheadLog } from "./write-ahead-log.ts";

/** All that is looked at before anything is touched, in the order in which it is said. */
export const checks: readonly Check[] = [
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
  configuration,
  journal,
  existingNames,
  primaryKeys,
  viaIndexes,
  unattributedRows,
  orphanedRows,
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
