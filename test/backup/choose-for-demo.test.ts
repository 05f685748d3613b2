import { expect, test } from "vitest";
import { chooseForDemo, findPgDump } from "../../src/backup/programs/pg-dump.ts";

test("the demo's server can be dumped by the pg_dump that comes with the choice", async () => {
  if ((await findPgDump()) === undefined) {
    await expect(chooseForDemo()).rejects.toMatchObject({ code: "BACKUP_TOOL_MISSING" });
    return;
  }
  const { binaries, pgDump } = await chooseForDemo();
  expect(binaries.major).toBeLessThanOrEqual(pgDump.major);
});
