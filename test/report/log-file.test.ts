import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { openLogFile } from "../../src/report/log-file.ts";

async function folder(): Promise<string> {
  const made = await mkdtemp(path.join(tmpdir(), "tenantry-log-"));
  onTestFinished(() => rm(made, { recursive: true, force: true }));
  return made;
}

function nothingFails(reason: string): void {
  throw new Error(reason);
}

test("a log is its user's alone, and git does not see it", async () => {
  const place = await folder();
  const log = openLogFile(place, "run", nothingFails);
  log?.write({ kind: "notice" });
  log?.close();
  const file = log?.file ?? "";
  expect(path.dirname(file)).toBe(path.join(place, ".tenantry/logs"));
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect(JSON.parse(await readFile(file, "utf8"))).toMatchObject({ v: 1, kind: "notice" });
  expect(await readFile(path.join(place, ".tenantry/.gitignore"), "utf8")).toBe("*\n");
});

test("the last 50 logs are kept", async () => {
  const place = await folder();
  const logs = path.join(place, ".tenantry/logs");
  await mkdir(logs, { recursive: true });
  for (let old = 10; old < 70; old += 1) {
    await writeFile(path.join(logs, `20200101T0000${old}.000Z-run.jsonl`), "");
  }
  const log = openLogFile(place, "rollback", nothingFails);
  log?.close();
  const names = (await readdir(logs)).sort();
  expect(names).toHaveLength(50);
  expect(names.at(-1)).toBe(path.basename(log?.file ?? ""));
  expect(names[0]).toContain("T000021");
});

test("where no log can be kept that is said, and nothing fails", async () => {
  const place = await folder();
  await writeFile(path.join(place, ".tenantry"), "no folder");
  const reasons: string[] = [];
  expect(openLogFile(place, "run", (reason) => reasons.push(reason))).toBeUndefined();
  expect(reasons).toHaveLength(1);
});
