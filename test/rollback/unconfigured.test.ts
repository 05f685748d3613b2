import { rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import { createDatabase } from "../setup/database.ts";
import { makeProject } from "../setup/project.ts";
import { makeSmallCompany, smallCompany } from "../setup/small-company.ts";
import {
  expectDone,
  expectFingerprint,
  fingerprintOf,
  testTimeout,
} from "../three-days/three-days.ts";

test.each([
  ["missing", (file: string) => rm(file), "no configuration found"],
  ["broken", (file: string) => writeFile(file, '{ "day1": '), "cannot be read"],
  [
    "another's",
    (file: string) => writeFile(file, '{ "days": [] }'),
    "4 faults in the configuration",
  ],
])(
  "an incident does not wait for a configuration that is %s: the journal says what is undone",
  {
    timeout: testTimeout,
  },
  async (what, spoil, said) => {
    const { session, url } = await createDatabase(`rollback ${what}`);
    await makeSmallCompany(session, 50);
    const before = await fingerprintOf(session);
    const project = await makeProject(url, { ...smallCompany, online: {} });
    expectDone(await project.tenantry("run", "--yes", "--stage", "day1"));
    const file = path.join(project.folder, "tenantry.config.json");
    await spoil(file);
    expect(await project.tenantry("run", "--yes")).toMatchObject({ code: 2 });
    // A file that is named is meant.
    const named = await project.tenantry("rollback", "--yes", "--config", "tenantry.config.json");
    expect(named.code).toBe(2);

    const rolledBack = await project.tenantry("rollback", "--yes");
    expectDone(rolledBack);
    expect(rolledBack.stderr).toContain(said);
    expect(rolledBack.stderr).toContain("The rollback goes by the journal");
    await expectFingerprint(session, before);
  },
);
