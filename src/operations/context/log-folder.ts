import { keepFromGit } from "../../backup/git/ignore.ts";
import { keptLogs } from "../../backup/git/kept-names.ts";

/**
 * Has git ignore the logs: they name tables, users and statements.
 * @param folder the folder that holds the folder of logs
 * @returns a note where git could not be told; undefined where it ignores them
 */
export function keepLogsFromGit(folder: string): Promise<string | undefined> {
  return keepFromGit(folder, keptLogs);
}
