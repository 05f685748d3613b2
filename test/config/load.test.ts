import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { stringify } from "yaml";
import { loadSettings, parseSettings } from "../../src/config/load.ts";
import type { Config } from "../../src/config/schema.ts";
import { demoConfig } from "../../src/demo/config.ts";
import { AppError } from "../../src/errors.ts";

async function folderWith(files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), "tenantry-config-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) await writeFile(path.join(folder, name), text);
  return folder;
}

const json = JSON.stringify(demoConfig);
const written: readonly [string, string][] = [
  ["tenantry.config.json", json],
  ["tenantry.config.yaml", stringify(demoConfig)],
  ["tenantry.config.yml", stringify(demoConfig)],
  [
    "tenantry.config.ts",
    `import { defineConfig, type Config } from "tenantry";\nconst config: Config = ${json};\nexport default defineConfig(config);\n`,
  ],
  ["tenantry.config.mts", `export default ${json} as const;\n`],
  [
    "tenantry.config.mjs",
    `import { defineConfig } from "tenantry";\nexport default defineConfig(${json});\n`,
  ],
];

test.each(written)("%s is found, and says the same as any other", async (name, text) => {
  const folder = await folderWith({ [name]: text });
  const found = await loadSettings(folder, undefined);
  expect(found).toEqual({
    settings: parseSettings(demoConfig, "the test"),
    folder,
    file: path.join(folder, name),
  });
  expect((await loadSettings(tmpdir(), path.join(folder, name))).folder).toBe(folder);
});

async function failure(work: Promise<unknown>): Promise<AppError> {
  const error = await work.catch((thrown: unknown) => thrown);
  if (!(error instanceof AppError)) throw new Error(`no AppError: ${String(error)}`);
  return error;
}

test.each([undefined, "elsewhere.json"])(
  "no configuration is an error that says what to do",
  async (file) => {
    const error = await failure(loadSettings(await folderWith({}), file));
    expect(error.code).toBe("CONFIG_NOT_FOUND");
    expect(error.exitCode).toBe(2);
    expect(error.next).toContain("--config");
  },
);

test.each([
  ["tenantry.config.json", "{"],
  ["tenantry.config.yaml", "a: [1"],
  ["tenantry.config.ts", "export default {"],
  ["tenantry.config.ts", 'import "not-installed-anywhere";\nexport default {};'],
  ["tenantry.config.mjs", "throw new Error('on purpose');"],
])("%s that cannot be read is named: %s", async (name, text) => {
  const folder = await folderWith({ [name]: text });
  const error = await failure(loadSettings(folder, undefined));
  expect(error.code).toBe("CONFIG_INVALID");
  expect(error.object).toBe(path.join(folder, name));
  expect(error.fault).toMatch(/^cannot be read: ./);
});

test.each([
  ["tenantry.config.json", "[]"],
  ["tenantry.config.yaml", ""],
  ["tenantry.config.ts", "export const config = {};"],
])("%s that holds no configuration is a fault of the configuration: %s", async (name, text) => {
  const error = await failure(loadSettings(await folderWith({ [name]: text }), undefined));
  expect(error.code).toBe("CONFIG_INVALID");
  expect(error.details.length).toBeGreaterThan(0);
});

function faultsOf(config: unknown): readonly string[] {
  try {
    parseSettings(config, "the test");
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    expect(error.code).toBe("CONFIG_INVALID");
    for (const detail of error.details) expect(detail).toMatch(/^[^\s].*: .+ → .+$/s);
    return error.details;
  }
  return [];
}

const small: Config = {
  users: { owners: "TRUE" },
  day1: { tables: { leads: { user: "user_id" } } },
  day2: { tables: {} },
};

test("all faults of a configuration are said at once, each with its place and how to fix it", () => {
  const faults = faultsOf({
    ...small,
    sharedTable: {},
    identity: { kind: "setting", setting: "user_id" },
    users: { owners: " ", owner: "TRUE" },
    defaultOrganization: { name: "X", slug: "Not A Slug" },
    day1: {
      tables: {
        leads: { user_id: "user_id" },
        calls: { via: "t".repeat(64) },
        scripts: { user: "user_id", unattributed: "fail", access: "nobody" },
      },
    },
    sharedTables: { countries: "" },
    online: { lockTimeoutInMilliseconds: 1000 },
  });
  expect(faults).toEqual(
    expect.arrayContaining([
      "sharedTable: unknown setting → did you mean sharedTables?",
      expect.stringMatching(/^identity\.setting: must be a custom setting .*app\.user_id/),
      expect.stringMatching(/^users\.owners: SQL cannot be empty/),
      expect.stringMatching(/^users\.owner: unknown setting/),
      expect.stringMatching(/^defaultOrganization\.slug: must be lower-case letters/),
      expect.stringMatching(/^day1\.tables\.leads: has no valid source/),
      expect.stringMatching(/^day1\.tables\.calls\.via: .*63 bytes/),
      expect.stringMatching(/^day1\.tables\.scripts\.unattributed: .*"error"\|"default"/),
      expect.stringMatching(/^day1\.tables\.scripts\.access: .*"members"\|"admins"/),
      expect.stringMatching(/^sharedTables\.countries: must be a reason/),
      expect.stringMatching(/^online\.lockTimeoutInMilliseconds: /),
    ]),
  );
  expect(faults).toHaveLength(11);
});

test("all faults between the parts of a configuration are said at once", () => {
  const faults = faultsOf({
    ...small,
    names: { helpers: "public", memberships: "leads" },
    organizations: [
      { name: "One", slug: "same", users: "TRUE" },
      { name: "Two", slug: "same", users: "TRUE" },
      { name: "Three", slug: "default-org", users: "TRUE" },
    ],
    day2: { tables: { "public.leads": "default", "a.b.c": "default" } },
  });
  expect(faults).toEqual(
    expect.arrayContaining([
      expect.stringMatching(/^names\.helpers: .*public/),
      expect.stringMatching(/^organizations: two organizations have the slug same/),
      expect.stringMatching(/^organizations: two organizations have the slug default-org/),
      expect.stringMatching(/^day2\.tables: "a\.b\.c" is not a valid table name/),
      expect.stringMatching(
        /^day1\.tables and day2\.tables and names\.memberships: .*named 3 times/,
      ),
    ]),
  );
  expect(faults).toHaveLength(5);
});

test("two names that name no table are not taken for the same table besides", () => {
  const tables = { "a.b.c": "default", "x.y.z": "default" };
  expect(faultsOf({ ...small, day2: { tables } })).toEqual([
    expect.stringMatching(/^day2\.tables: "a\.b\.c" is not a valid table name/),
    expect.stringMatching(/^day2\.tables: "x\.y\.z" is not a valid table name/),
  ]);
});

test.each(["tenantry", "pg_catalog", "information_schema", "public"])(
  "the helper functions cannot be in the schema %s",
  (helpers) => {
    expect(faultsOf({ ...small, names: { helpers } })).toHaveLength(1);
  },
);

test("what a configuration leaves out has a default", () => {
  const { names, roles, defaultOrganization, online } = parseSettings(small, "the test");
  expect(names.organizations).toEqual({ schema: "public", name: "organizations" });
  expect(names.organizationColumn).toBe("organization_id");
  expect(roles.signedIn).toBe("authenticated");
  expect(defaultOrganization.slug).toBe("default-org");
  expect(online.lockTimeoutInMilliseconds).toBeLessThan(1000);
});
