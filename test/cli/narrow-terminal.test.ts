import { existsSync } from "node:fs";
import { stripVTControlCharacters } from "node:util";
import { execa } from "execa";
import { expect, test } from "vitest";
import { makeApplication } from "../code/application.ts";
import { program } from "../setup/built-program.ts";
import { createDatabase } from "../setup/database.ts";
import { makeProject } from "../setup/project.ts";
import { makeSmallCompany, smallCompany } from "../setup/small-company.ts";

/** Runs a command in a terminal of its own; what it drew, without what moves the cursor. */
async function inTerminal(
  { folder, url, columns }: { folder: string; url: string; columns: number },
  args: string,
): Promise<string[]> {
  const tenantry = `"${process.execPath}" "${program}" ${args}`;
  const { stdout } = await execa(
    "script",
    ["--quiet", "--return", "--command", `stty cols ${columns} rows 24; ${tenantry}`, "/dev/null"],
    {
      cwd: folder,
      env: { DATABASE_URL: url, TERM: "xterm", CI: "", NO_COLOR: "1" },
      reject: false,
    },
  );
  return stripVTControlCharacters(stdout)
    .split(/\r?\n/)
    .map((line) => line.trimEnd());
}

test.runIf(existsSync("/usr/bin/script"))(
  "on a terminal of 40 columns the list lives, and its lines fit",
  async () => {
    const { session, url } = await createDatabase("terminal");
    await makeSmallCompany(session, 500);
    const { folder } = await makeProject(url, smallCompany);
    const place = { folder, url, columns: 40 };
    const run = await inTerminal(place, "run --stage day1 --yes");
    const drawn = run.filter((line) => /^\s*[✔▸◼✘] /.test(line) && line.startsWith("  "));
    expect(drawn.some((line) => line.startsWith("  ◼ leads"))).toBe(true);
    expect(drawn.some((line) => /^ {2}✔ leads {2}.*(s|ms), 500 rows/.test(line))).toBe(true);
    expect(run.join("\n")).toMatch(/day1: (\d+) of \1 claims hold\nday1: applied and verified in/);
    const last = run.slice(run.findLastIndex((line) => line.startsWith("✔ day1: ")));
    const list = last.slice(
      0,
      last.findIndex((line) => !/^( {2})?[✔]/.test(line)),
    );
    expect(list.length).toBeGreaterThan(5);
    for (const line of list) expect(line.length).toBeLessThanOrEqual(40);

    const status = await inTerminal(place, "status");
    for (const line of status.slice(1, -2)) expect(line.length).toBeLessThanOrEqual(40);
  },
);

test.runIf(existsSync("/usr/bin/script"))(
  "what is found in the code fits a terminal of 60 columns, each place with its file and line",
  async () => {
    const file = "src/features/outbound-dialler/hooks/use-leads-of-campaign.ts";
    const { folder } = await makeApplication({
      [file]: `import { supabase } from "../../../client";
export const load = () => supabase.from("leads").select("*").eq("status", "waiting for a call");
export const save = (rows: object[]) => supabase.from("leads").insert(rows);
`,
    });
    const place = { folder, url: "postgresql://nowhere.invalid:1/none", columns: 60 };
    const list = await inTerminal(place, "code list");
    expect(list).toContain(file);
    expect(list.join("\n")).toMatch(/^ +2 +select leads .*unfenced$/m);
    const check = await inTerminal(place, "code check");
    expect(check.join("\n")).toContain(`${file}:3`);
    // The path alone is longer than that.
    for (const line of [...list, ...check].filter((one) => !one.includes(file)))
      expect(line.length).toBeLessThanOrEqual(60);
  },
);
