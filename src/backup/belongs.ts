import { readDatabaseIdentity } from "../catalog/system-identifier.ts";
import { AppError } from "../errors.ts";
import type { Session } from "../postgres/connection.ts";
import type { StageName } from "../steps/model/stage.ts";
import type { FoundBackup } from "./folder/retention.ts";

/**
 * Whether a backup is of this very database, and of this stage where one is given.
 * @throws AppError BACKUP_FOREIGN
 */
export async function verifyBelongs(
  { folder, manifest }: FoundBackup,
  session: Session,
  stage?: StageName,
): Promise<void> {
  const here = await readDatabaseIdentity(session);
  const { database } = manifest;
  const faults: string[] = [];
  if (database.name !== here.name) faults.push(`of database ${database.name}`);
  if (database.system !== here.system) faults.push("of another server");
  if (stage !== undefined && manifest.stage !== stage) {
    faults.push(manifest.stage === null ? "made without a stage" : `made before ${manifest.stage}`);
  }
  if (faults.length === 0) return;
  throw new AppError({
    code: "BACKUP_FOREIGN",
    object: folder,
    fault: `is ${faults.join(", and ")}: its manifest says so`,
    state: "nothing was changed",
    next: "use a backup of this database; tenantry restore --into puts one into a database of its own",
  });
}
