import { readFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import { listSettings, withSettings } from "../../src/explain/configuration-page.ts";

const page = path.join(import.meta.dirname, "../../docs/configuration.md");

test("the documentation has every setting, with the default and the meaning of the schema", async () => {
  await expect(withSettings(await readFile(page, "utf8"))).toMatchFileSnapshot(page);
});

test("every setting has a meaning, in objects, lists, maps and unions too", () => {
  const settings = listSettings();
  expect(settings.filter(({ meaning }) => meaning === undefined)).toEqual([]);
  const defaults = new Map(settings.map((setting) => [setting.path, setting.byDefault]));
  expect(Object.fromEntries(defaults)).toMatchObject({
    "users.owners": "required",
    "defaultOrganization.slug": "`default-org`",
    "organizations[].users": "required",
    "day1.tables.*.unattributed": "`error`",
    "identity.claim": "`sub`",
    "online.lockTimeoutInMilliseconds": "`400`",
    "git.push": expect.stringContaining("CI"),
    "code.gates": "none",
  });
  expect(defaults.size).toBe(settings.length);
});
