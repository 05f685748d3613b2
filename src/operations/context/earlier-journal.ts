import { migrateJournal } from "../../journal/migrations.ts";
import type { Workspace } from "./workspace.ts";

/** Migrates a journal of an earlier version, and says so: commands that write do this first. */
export async function migrateEarlierJournal({ session, caller }: Workspace): Promise<void> {
  const migrated = await migrateJournal(session);
  if (migrated === undefined) return;
  const text = `the journal was migrated from version ${migrated.from} to ${migrated.to}; earlier versions of Tenantry refuse it from now on`;
  caller.emit({ kind: "notice", text });
}
