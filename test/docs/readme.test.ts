import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { createDatabase } from "../setup/database.ts";
import { makeProject } from "../setup/project.ts";
import { makeSmallCompany, smallCompany } from "../setup/small-company.ts";
import { openShell } from "../setup/terminal.ts";

const readme = fileURLToPath(new URL("../../README.md", import.meta.url));

/** The commands of the block behind a text, without their comments. */
async function commandsBehind(text: string): Promise<string[]> {
  const content = await readFile(readme, "utf8");
  const at = content.indexOf(text);
  if (at === -1) throw new Error(`README.md has no ${text}`);
  const block = /```sh\n([\s\S]*?)```/.exec(content.slice(at))?.[1] ?? "";
  return block
    .split("\n")
    .map((line) => line.replace(/#.*$/, "").trim())
    .filter((line) => line !== "");
}

test("the three uses work as the README has them, word for word", {
  timeout: 240_000,
}, async () => {
  const { session, url } = await createDatabase("readme");
  await makeSmallCompany(session, 300);
  const project = await makeProject(url, smallCompany);
  const run = async (command: string): Promise<string> => {
    const { press, sees, ended } = openShell(project, url, command);
    if (/^tenantry (run|rollback)/.test(command)) {
      await sees("(y/N)");
      press("y", "\r");
    }
    const { code, stdout } = await ended;
    expect(code, `${command}\n${stdout}`).toBe(0);
    return stdout;
  };
  const said = new Map<string, string>();
  for (const use of ["**A DBA, in a terminal.**", "**CI**", "**On call**"]) {
    const commands = await commandsBehind(use);
    expect(commands.length, use).toBeGreaterThan(0);
    for (const command of commands) said.set(command, await run(command));
  }
  expect(said.get("tenantry rehearse --stage day1")).toContain("will take about");
  expect(said.get("tenantry run --stage day1")).toContain("day1: applied and verified");
  expect(said.get("tenantry status --steps")).toContain("took between half and twice");
  expect(said.get("tenantry --stage day1 --verify")).toContain("claims hold");
  expect(said.get("tenantry rollback")).toContain("rolled back");
});

test("the configuration that the README shows is one", async () => {
  const content = await readFile(readme, "utf8");
  const shown = /```ts\n([\s\S]*?)```/.exec(content)?.[1] ?? "";
  const { url } = await createDatabase("readme config");
  const project = await makeProject(url, smallCompany);
  const folder = path.join(project.folder, "node_modules", "tenantry");
  await mkdir(folder, { recursive: true });
  const entry = fileURLToPath(new URL("../../src/index.ts", import.meta.url));
  await writeFile(path.join(folder, "package.json"), '{"type":"module","main":"index.js"}');
  await writeFile(path.join(folder, "index.js"), `export * from ${JSON.stringify(entry)};`);
  const file = path.join(project.folder, "tenantry.config.ts");
  await writeFile(file, shown);
  await chmod(file, 0o600);
  const outcome = await project.tenantry("plan", "--config", file);
  // Its tables are not in this database: that far it was read.
  expect(outcome).toMatchObject({ code: 2 });
  expect(outcome.stderr).toContain("day1.tables.leads");
});
