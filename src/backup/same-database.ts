import { readDatabaseIdentity } from "../catalog/system-identifier.ts";
import { AppError } from "../errors.ts";
import type { Session } from "../postgres/connection.ts";
import type { StageName } from "../steps/model/stage.ts";
import type { FoundBackup } from "./folder/retention.ts";

/**
 * Checks that a backup is of this database, and of the stage if one is given.
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
  if (database.name !== here.name) {
    faults.push(`is of database ${database.name}, and this is ${here.name}`);
  }
  if (database.system !== here.system) {
    faults.push("is of another cluster (another system identifier)");
  }
  if (stage !== undefined && manifest.stage !== stage) {
    const madeFor = manifest.stage === null ? "outside of a stage" : `before ${manifest.stage}`;
    faults.push(`was made ${madeFor}, not before ${stage}`);
  }
  if (faults.length === 0) return;
  throw new AppError({
    code: "BACKUP_FOREIGN",
    object: folder,
    fault: faults.join(", and "),
    state: "nothing was changed",
    next: "use a backup of this database (tenantry backup list), or restore this one into a new database with tenantry restore --into",
  });
}
