import { readFingerprint } from "../../catalog/fingerprint/fingerprint.ts";
import type { Target } from "../../postgres/connection.ts";
import { sessionSettings } from "../../postgres/session-settings.ts";
import { withSession } from "../../postgres/sessions.ts";
import type { Restorable } from "../restore/restore.ts";
import { dumpDatabase } from "./dump.ts";
import { readGlobals } from "./globals.ts";
import { readServer } from "./snapshot.ts";

/**
 * Dumps the schema without the rows, for a copy whose rows are inserted separately.
 * @param folder must not exist yet
 * @throws AppError BACKUP_TOOL_MISSING or BACKUP_FAILED
 */
export function dumpSchema(
  target: Target,
  folder: string,
  signal: AbortSignal,
): Promise<Restorable> {
  return withSession(target, "tenantry backup", sessionSettings, (session) =>
    session.transaction(async (queries) => {
      const { snapshot, major } = await readServer(queries);
      const options = { target, path: folder, attempt: folder, jobs: 1, snapshot, signal };
      const version = await dumpDatabase({ ...options, serverMajor: major, schemaOnly: true });
      return {
        globals: await readGlobals(queries),
        fingerprint: await readFingerprint(queries),
        serverMajor: major,
        dumpMajor: Number.parseInt(version, 10),
        dump: { kind: "folder", path: folder } as const,
      };
    }, "read only snapshot"),
  );
}
