import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

/**
 * Lends a password to another program as a passfile that only we can read: an argument list can be
 * read by every user of the machine.
 */
export async function withPassfile<Result>(
  password: string | undefined,
  work: (passfile: string | undefined) => Promise<Result>,
): Promise<Result> {
  if (password === undefined) return work(undefined);
  const folder = await mkdtemp(path.join(tmpdir(), "tenantry-passfile-"));
  try {
    const file = path.join(folder, "passfile");
    const escaped = password.replaceAll(/[\\:]/g, (character) => `\\${character}`);
    await writeFile(file, `*:*:*:*:${escaped}\n`, { mode: 0o600 });
    return await work(file);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
