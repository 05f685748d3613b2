import { stat } from "node:fs/promises";
import path from "node:path";
import { execa } from "execa";
import { AppError } from "../errors.ts";

export type ServerUser = { readonly name: string; readonly uid: number; readonly gid: number };

/**
 * The user to run a server as. PostgreSQL refuses root, so root uses `postgres`, or `nobody`.
 * @returns undefined if the current user is not root
 * @throws AppError SERVER_NOT_STARTED when root finds neither user
 */
export async function findServerUser(): Promise<ServerUser | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  for (const name of ["postgres", "nobody"]) {
    const [uid, gid] = await Promise.all([
      execa("id", ["-u", name], { reject: false }),
      execa("id", ["-g", name], { reject: false }),
    ]);
    if (uid.exitCode === 0 && gid.exitCode === 0) {
      return { name, uid: Number(uid.stdout), gid: Number(gid.stdout) };
    }
  }
  throw new AppError({
    code: "SERVER_NOT_STARTED",
    object: "scratch server",
    fault: "PostgreSQL refuses to run as root, and there is no user postgres or nobody",
    state: "nothing was started",
    next: "run Tenantry as a user other than root",
  });
}

/** Whether the user may read and execute a file and search every folder above it. */
export async function isReachable(file: string, user: ServerUser | undefined): Promise<boolean> {
  if (user === undefined) return true;
  const facts = await stat(file);
  const all = facts.isDirectory() ? 0o1 : 0o5;
  const rights =
    facts.uid === user.uid
      ? facts.mode >> 6
      : facts.gid === user.gid
        ? facts.mode >> 3
        : facts.mode;
  if ((rights & all) !== all) return false;
  const folder = path.dirname(file);
  return folder === file || isReachable(folder, user);
}
