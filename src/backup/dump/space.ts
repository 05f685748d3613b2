import { statfs } from "node:fs/promises";
import { z } from "zod";
import { AppError } from "../../errors.ts";
import { formatBytes } from "../../number-formats.ts";
import type { Queries } from "../../postgres/connection.ts";
import { sql } from "../../postgres/sql.ts";

/** The assumed ratio of a compressed dump to the tables' size: usually a fifth, half in the worst case. */
const compressedShare = 0.5;

/** The size of the tables in bytes, without indexes, which a dump does not hold. */
export async function readTableBytes(queries: Queries): Promise<number> {
  const [row] = await queries.rows(
    sql`
      SELECT coalesce(sum(pg_table_size(c.oid)), 0) AS bytes
        FROM pg_class c
        JOIN pg_namespace n ON n.oid = c.relnamespace
       WHERE c.relkind = 'r'
         AND n.nspname NOT IN ('information_schema', 'pg_catalog', 'pg_toast')
    `,
    z.object({ bytes: z.coerce.number() }),
  );
  return row?.bytes ?? 0;
}

/**
 * Checks before the dump that the folder's disk has room for it.
 * @throws AppError BACKUP_FAILED when it does not
 */
export async function verifySpace(
  folder: string,
  tableBytes: number,
  compression: number | undefined,
): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  const free = bavail * bsize;
  const needed = Math.round(tableBytes * (compression === 0 ? 1 : compressedShare));
  if (free >= needed) return;
  throw new AppError({
    code: "BACKUP_FAILED",
    object: folder,
    fault: `its disk has ${formatBytes(free)} left, and the backup may need ${formatBytes(needed)}`,
    state: "nothing was changed: no stage begins without a backup",
    next: "free disk space, or set backups.folder to a folder on another disk in the configuration",
  });
}
