import {
  closeSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import path from "node:path";
import { messageOf } from "../errors.ts";
import { jsonLine } from "./json.ts";

/** So many logs are kept in a folder. */
const kept = 50;

/** What a command did, line by line, to be read afterwards. */
export type LogFile = {
  readonly file: string;
  write(said: { readonly kind: string }): void;
  close(): void;
};

/**
 * Begins a log in `.tenantry/logs`, which only its user may read, and removes the oldest ones.
 * @param folder where `.tenantry` is, or is made
 * @param failed is called once with the reason where there is no log: no command fails for that
 */
export function openLogFile(
  folder: string,
  command: string,
  failed: (reason: string) => void,
): LogFile | undefined {
  try {
    const state = path.join(folder, ".tenantry");
    const logs = path.join(state, "logs");
    mkdirSync(logs, { recursive: true, mode: 0o700 });
    ignoreAll(path.join(state, ".gitignore"));
    const time = new Date().toISOString().replaceAll(/[-:]/g, "");
    const file = path.join(logs, `${time}-${command}.jsonl`);
    const descriptor = openSync(file, "ax", 0o600);
    removeOldest(logs);
    return writer(file, descriptor, failed);
  } catch (error) {
    failed(messageOf(error));
    return undefined;
  }
}

function writer(file: string, descriptor: number, failed: (reason: string) => void): LogFile {
  let open = true;
  const close = () => {
    if (open) closeSync(descriptor);
    open = false;
  };
  return {
    file,
    write(said) {
      if (!open) return;
      try {
        // At once, so that a kill leaves everything until then.
        writeSync(descriptor, jsonLine(said));
      } catch (error) {
        close();
        failed(messageOf(error));
      }
    },
    close,
  };
}

/** One that exists is not overwritten. */
function ignoreAll(file: string): void {
  if (lstatSync(file, { throwIfNoEntry: false }) === undefined) writeFileSync(file, "*\n");
}

function removeOldest(logs: string): void {
  const names = readdirSync(logs)
    .filter((name) => name.endsWith(".jsonl"))
    .sort();
  for (const name of names.slice(0, -kept)) rmSync(path.join(logs, name), { force: true });
}
