import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { execa } from "execa";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { sql } from "../../src/postgres/sql.ts";
import { createDatabase } from "../setup/database.ts";
import { makeProject, type Outcome } from "../setup/project.ts";
import { makeSmallCompany, smallCompany } from "../setup/small-company.ts";

const github = z.object({
  jobs: z.record(
    z.string(),
    z.object({
      steps: z.array(z.object({ run: z.string().optional(), uses: z.string().optional() })),
    }),
  ),
});
const gitlab = z.record(z.string(), z.object({ script: z.array(z.string()) }));

/** The commands of each job on the page, in their order. */
async function jobs(): Promise<Map<string, readonly string[]>> {
  const page = await readFile(new URL("../../docs/ci.md", import.meta.url), "utf8");
  const blocks = [...page.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, text = ""]) => parse(text));
  const [actions, pipeline] = z.tuple([github, gitlab]).parse(blocks);
  const commands = new Map<string, readonly string[]>();
  for (const [name, { steps }] of Object.entries(actions.jobs)) {
    commands.set(
      `github ${name}`,
      steps.flatMap(({ run }) => (run === undefined ? [] : [run])),
    );
  }
  for (const [name, { script }] of Object.entries(pipeline)) commands.set(`gitlab ${name}`, script);
  return commands;
}

test("the pages' jobs do here what they say", { timeout: 240_000 }, async () => {
  const commands = await jobs();
  expect([...commands.keys()]).toEqual([
    "github verify",
    "github nightly",
    "gitlab verify",
    "gitlab nightly",
  ]);
  const { session, url } = await createDatabase("ci page");
  await makeSmallCompany(session, 100);
  const project = await makeProject(url, smallCompany);
  await writeFile(path.join(project.folder, "schema.sql"), "SELECT 1;\n");
  const seen = new Set<string>();
  for (const [job, lines] of commands) {
    for (const line of lines) {
      // What installs is not for a test; and what an earlier job did is not done again.
      if (/^(npm ci|apt-get )/.test(line) || seen.has(line)) continue;
      seen.add(line);
      const [, tenantry] = /^npx tenantry (.*)$/.exec(line) ?? [];
      const outcome: Pick<Outcome, "code" | "stderr"> =
        tenantry === undefined
          ? await execa({
              shell: true,
              cwd: project.folder,
              env: { DATABASE_URL: url },
              reject: false,
            })`${line}`.then(({ exitCode, stderr }) => ({ code: exitCode ?? -1, stderr }))
          : await project.tenantry(...tenantry.split(" "));
      expect([job, line, outcome]).toEqual([job, line, { ...outcome, code: 0 }]);
    }
  }
  const junit = await readFile(path.join(project.folder, "tenancy.xml"), "utf8");
  expect(junit).toMatch(/<testcase name="/);
  expect(junit).not.toContain("<failure");
  const sarif = JSON.parse(await readFile(path.join(project.folder, "tenancy.sarif"), "utf8"));
  expect(sarif.runs[0].results).toEqual([]);

  await session.execute(sql`ALTER TABLE leads DISABLE ROW LEVEL SECURITY`);
  process.env["GITHUB_ACTIONS"] = "true";
  const broken = await project.tenantry(
    ..."--stage day3 --verify --junit tenancy.xml --sarif tenancy.sarif".split(" "),
  );
  delete process.env["GITHUB_ACTIONS"];
  expect(broken.code).toBe(3);
  expect(broken.stdout).toMatch(
    /claims hold.*\n::error file=tenantry\.config\.json,line=\d+,title=day3 does not hold::.*leads/,
  );
  expect(await readFile(path.join(project.folder, "tenancy.xml"), "utf8")).toContain("<failure");
  const found = JSON.parse(await readFile(path.join(project.folder, "tenancy.sarif"), "utf8"));
  expect(found.runs[0].results[0]).toMatchObject({ ruleId: expect.stringMatching(/^tenantry\//) });
});

test("a stage that was never applied fails its reports too", async () => {
  const { session, url } = await createDatabase("ci not applied");
  await makeSmallCompany(session, 10);
  const project = await makeProject(url, smallCompany);
  const outcome = await project.tenantry("--stage", "day1", "--verify", "--junit", "report.xml");
  expect(outcome.code).toBe(3);
  const report = await readFile(path.join(project.folder, "report.xml"), "utf8");
  expect(report).toContain('<failure message="1 row contradicts it">day1 is not applied</failure>');
  const nowhere = ["--stage", "day1", "--verify", "--junit", "no/such/folder.xml"];
  expect(await project.tenantry(...nowhere)).toMatchObject({ code: 2 });
});
