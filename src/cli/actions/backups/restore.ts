import path from "node:path";
import { AppError } from "../../../errors.ts";
import { type RestoreResult, restore } from "../../../operations/backups/restore.ts";
import type { GlobalOptions } from "../../options.ts";
import { withOutput } from "../../terminal/output.ts";
import { callerOf, takeTarget } from "../../workspace.ts";

export type RestoreOptions = GlobalOptions & {
  readonly folder: string;
  readonly into?: string | undefined;
  readonly inPlace: boolean;
  /** The database's name, where there is no terminal to ask at. */
  readonly confirm?: string | undefined;
  readonly identity?: string | undefined;
};

/** `tenantry restore`: a backup into a new database, or in place of the one it was made of. */
export async function restoreCommand(options: RestoreOptions): Promise<void> {
  const { into, inPlace } = options;
  if ((into === undefined) === !inPlace) throw noPlace();
  // No program that is started from here on inherits a password.
  const target = takeTarget({ url: into ?? options.url });
  const folder = path.resolve(options.folder);
  const configured = options.config === undefined ? "." : path.dirname(options.config);
  const log = { command: "restore", folder: path.resolve(configured) } as const;
  await withOutput({ options, target, log }, async (output) => {
    const { identity } = options;
    const request = { folder, target: output.observed(target), inPlace, identity };
    const restored = await restore(callerOf(options, output), request);
    const { database, folder: from, keptAs } = restored;
    await output.show({ kind: "restored", database, folder: from, keptAs }, () =>
      showRestored(restored),
    );
  });
}

function showRestored({ database, folder, madeAt, keptAs, dropKept }: RestoreResult): string {
  if (keptAs === null) {
    return `${database} holds what ${folder} holds: schema, counts and checksums are the same.\n`;
  }
  return `${database} is as it was at ${madeAt}: schema, counts and checksums are those of the backup.
The database as it was until now is kept as ${keptAs}. When nothing in it is needed any more:
  ${dropKept}
`;
}

function noPlace(): AppError {
  return new AppError({
    code: "USAGE",
    object: "tenantry restore",
    fault: "needs a place to restore into: either --into another database, or --in-place",
    state: "nothing was changed",
    next: "tenantry restore backups/… --into postgresql://user@host/a_new_database",
  });
}
