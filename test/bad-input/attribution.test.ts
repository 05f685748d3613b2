import { appendFile, cp, mkdir, mkdtemp, readdir, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { manifestName } from "../../src/backup/folder/manifest.ts";
import { makeDatabase, type TestDatabase } from "../setup/database.ts";
import { makeSmallCompany, smallCompany } from "../setup/small-company.ts";
import { changeManifest, type Manifest, signAgain } from "./edited-manifest.ts";
import { contentOf, filesIn, folderWith, refusalOf, tenantryIn } from "./in-this-process.ts";

let database: TestDatabase;
let content: Record<string, string>;
let kept: string;
/** What a rollback of Day 1 kept, and the backup from before Day 1. */
let attribution: string;
let backup: string;

beforeAll(async () => {
  database = await makeDatabase("an attribution that is none");
  await makeSmallCompany(database.session, 50);
  kept = await mkdtemp(path.join(tmpdir(), "tenantry-bad-attribution-"));
  await writeFile(path.join(kept, "tenantry.config.json"), JSON.stringify(smallCompany));
  for (const command of ["run --stage day1 --yes", "rollback --yes"]) {
    const outcome = await tenantryIn(kept, { DATABASE_URL: database.url }, command.split(" "));
    expect([command, outcome.code, outcome.stderr]).toEqual([command, 0, expect.anything()]);
  }
  const names = await readdir(path.join(kept, "backups"));
  const found = (ending: RegExp) =>
    path.join(kept, "backups", names.find((name) => ending.test(name)) ?? "");
  attribution = found(/-attribution$/);
  backup = found(/Z$/);
  content = await contentOf(database.session);
});

afterAll(async () => {
  const after = await contentOf(database.session);
  await database.drop();
  await rm(kept, { recursive: true });
  expect(after).toEqual(content);
});

/** The tables of a manifest, each changed. */
function withTables(change: (table: Manifest) => Manifest) {
  return (manifest: Manifest) => ({
    ...manifest,
    tables: z.array(z.record(z.string(), z.unknown())).parse(manifest["tables"]).map(change),
  });
}

const unreadable = /has no readable manifest/;
const foreign = /does not match what a rollback of this stage saved/;
const unusable = /cannot be loaded/;

const organizations = (folder: string) => path.join(folder, "organizations.copy.gz");
const rows = (folder: string) => path.join(folder, "rows/1.copy.gz");

const broken: readonly (readonly [
  what: string,
  change: (folder: string) => Promise<unknown>,
  says: RegExp,
])[] = [
  ["is not there", (folder) => rm(folder, { recursive: true }), unreadable],
  [
    "is a file",
    async (folder) => {
      await rm(folder, { recursive: true });
      await writeFile(folder, "x");
    },
    unreadable,
  ],
  [
    "is an empty folder",
    async (folder) => {
      await rm(folder, { recursive: true });
      await mkdir(folder);
    },
    unreadable,
  ],
  [
    "is a backup",
    async (folder) => {
      await rm(folder, { recursive: true });
      await cp(backup, folder, { recursive: true });
    },
    unreadable,
  ],
  [
    "has a manifest that is cut off",
    (folder) => truncate(path.join(folder, manifestName), 80),
    unreadable,
  ],
  ["has a manifest that is null", (folder) => changeManifest(folder, () => null), unreadable],
  [
    "is of another format",
    (folder) => changeManifest(folder, (own) => ({ ...own, format: 7 })),
    unreadable,
  ],
  [
    "has tables that are none",
    (folder) => changeManifest(folder, (own) => ({ ...own, tables: [1] })),
    unreadable,
  ],
  [
    "is of another stage",
    (folder) => changeManifest(folder, (own) => ({ ...own, stage: "day2" })),
    foreign,
  ],
  [
    "is of another database",
    (folder) =>
      changeManifest(folder, (own) => ({ ...own, database: { name: "another", system: "1" } })),
    foreign,
  ],
  [
    "is of another server",
    (folder) =>
      changeManifest(folder, (own) => ({
        ...own,
        database: { ...Object(own["database"]), system: "1" },
      })),
    foreign,
  ],
  ["lacks a file", (folder) => rm(rows(folder)), foreign],
  ["has a file that is cut off", (folder) => truncate(rows(folder), 9), foreign],
  ["has a file that is longer", (folder) => appendFile(rows(folder), "x"), foreign],
  ["has a file too many", (folder) => writeFile(path.join(folder, "mine"), "x"), foreign],
  [
    "has organizations that are altered",
    (folder) => writeFile(organizations(folder), gzipSync("{}\n")),
    foreign,
  ],
  [
    "has organizations that are no JSON, and says so",
    async (folder) => {
      await writeFile(organizations(folder), gzipSync("{\n"));
      await signAgain(folder);
    },
    unusable,
  ],
  [
    "has organizations that are not packed, and says so",
    async (folder) => {
      await writeFile(organizations(folder), "{}\n");
      await signAgain(folder);
    },
    unusable,
  ],
  [
    "lacks its memberships, and says so",
    async (folder) => {
      await rm(path.join(folder, "memberships.copy.gz"));
      await signAgain(folder);
    },
    foreign,
  ],
  [
    "lacks a table's rows, and says so",
    async (folder) => {
      await rm(rows(folder));
      await signAgain(folder);
    },
    foreign,
  ],
  [
    "has rows that are not packed, and says so",
    async (folder) => {
      await writeFile(rows(folder), "1\t2\n");
      await signAgain(folder);
    },
    unusable,
  ],
  [
    "has rows that are cut off, and says so",
    async (folder) => {
      await truncate(rows(folder), 20);
      await signAgain(folder);
    },
    unusable,
  ],
  [
    "has rows that are none, and says so",
    async (folder) => {
      await writeFile(rows(folder), gzipSync("x\ty\tz\n"));
      await signAgain(folder);
    },
    unusable,
  ],
  [
    "has a key twice, and says so",
    async (folder) => {
      const row = "1\t8d8dca5d-9d3f-4b7e-8ee4-f4e8c5e0a111\n";
      await writeFile(rows(folder), gzipSync(row + row));
      await signAgain(folder);
    },
    unusable,
  ],
  [
    "is of a table that is gone",
    (folder) =>
      changeManifest(
        folder,
        withTables((table) => ({ ...table, name: "gone" })),
      ),
    unusable,
  ],
  [
    "is of a column that is gone",
    (folder) =>
      changeManifest(
        folder,
        withTables((table) => ({ ...table, kept: { ...Object(table["kept"]), key: ["gone"] } })),
      ),
    unusable,
  ],
  [
    "names a file elsewhere",
    (folder) =>
      changeManifest(
        folder,
        withTables((table) => ({
          ...table,
          kept: { ...Object(table["kept"]), file: "../../../etc/hostname" },
        })),
      ),
    foreign,
  ],
];

test.each(broken.map(([what, change, says]) => ({ what, change, says })))(
  "an attribution that $what is refused, and the stage is not begun",
  async ({ change, says }) => {
    const folder = path.join(await folderWith({}), "attribution");
    await cp(attribution, folder, { recursive: true });
    await change(folder);
    const project = await folderWith({ "tenantry.config.json": JSON.stringify(smallCompany) });
    const before = await filesIn(project);
    const args = ["run", "--stage", "day1", "--attribution", folder, "--yes"];
    const refusal = refusalOf(await tenantryIn(project, { DATABASE_URL: database.url }, args));
    expect(refusal).toMatchObject({
      code: "ATTRIBUTION_REFUSED",
      object: folder,
      fault: expect.stringMatching(says),
    });
    expect(await filesIn(project)).toEqual(before);
    expect(await contentOf(database.session)).toEqual(content);
  },
);

test("an attribution that a rollback did not finish is refused", async () => {
  const folder = path.join(await folderWith({}), "attribution.partial");
  await cp(attribution, folder, { recursive: true });
  const args = ["run", "--stage", "day1", "--attribution", folder, "--yes"];
  const refusal = refusalOf(await tenantryIn(kept, { DATABASE_URL: database.url }, args));
  expect(refusal).toMatchObject({
    code: "ATTRIBUTION_REFUSED",
    fault: expect.stringMatching(/is not complete/),
  });
});
