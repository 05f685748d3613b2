import fc from "fast-check";
import { expect, test } from "vitest";
import { z } from "zod";
import { parseSettings } from "../../src/config/load.ts";
import { configSchema } from "../../src/config/schema.ts";
import { completeConfig, type Place, placesIn, replaced, valueAt } from "./complete-config.ts";
import { filesIn, folderWith, type Refusal, refusalOf, tenantryIn } from "./in-this-process.ts";

/** Nothing answers there: whoever gets as far as asking the database is found out. */
const nowhere = { DATABASE_URL: "postgresql://nobody@127.0.0.1:1/none" };

async function refusalOfConfig(config: unknown): Promise<Refusal> {
  const folder = await folderWith({ "tenantry.config.json": JSON.stringify(config) });
  const before = await filesIn(folder);
  const refusal = refusalOf(await tenantryIn(folder, nowhere, ["run", "--yes"]));
  expect(await filesIn(folder)).toEqual(before);
  if (refusal.code === "CONFIG_INVALID")
    expect(refusal.object).toBe(`${folder}/tenantry.config.json`);
  return refusal;
}

/** What is said of a place, or of the table that it is in: a source is wrong as a whole. */
function said({ details }: Refusal, place: Place): string | undefined {
  const names = [place.join("."), ...(place[1] === "tables" ? [place.slice(0, 3).join(".")] : [])];
  return details
    .split("\n")
    .map((line) => line.trim())
    .find((line) => names.some((name) => line.startsWith(`${name}: `)));
}

const wrongFor: Readonly<Record<string, readonly unknown[]>> = {
  string: [null, 42, true, [], {}, ""],
  number: [null, "1", -1, 1.5, 1e300, true, []],
  boolean: [null, "true", 1, {}],
  array: [null, {}, "x", 1, [null]],
  object: [null, "x", 1, true, []],
};

/** Fields for which null is a value: the database has no anonymous role. */
const nullable: readonly string[] = ["roles.anonymous"];

function wrongValuesAt(place: Place): readonly unknown[] {
  const value = valueAt(completeConfig, place);
  const wrong = wrongFor[Array.isArray(value) ? "array" : typeof value] ?? [];
  return wrong.filter((one) => one !== null || !nullable.includes(place.join(".")));
}

const places = placesIn(completeConfig);

const shapeSchema = z.object({
  properties: z.record(z.string(), z.unknown()).optional(),
  items: z.unknown().optional(),
});

/** Every field of an object's JSON schema; what a union or a record holds is left out. */
function fieldsOf(shape: unknown): Place[] {
  const { properties = {}, items } = shapeSchema.catch({}).parse(shape);
  const inner = items === undefined ? [] : fieldsOf(items).map((place) => ["0", ...place]);
  const own = Object.entries(properties).flatMap(([key, value]) => [
    [key],
    ...fieldsOf(value).map((place) => [key, ...place]),
  ]);
  return [...own, ...inner];
}

test("the configuration that is broken here is whole: it has every field of the schema", () => {
  expect(() => parseSettings(completeConfig, "the test")).not.toThrow();
  const fields = fieldsOf(z.toJSONSchema(configSchema, { io: "input" }));
  expect(fields.length).toBeGreaterThan(40);
  const written = places.map((place) => place.join("."));
  expect(
    fields.map((field) => field.join(".")).filter((field) => !written.includes(field)),
  ).toEqual([]);
});

test.each(places.map((place) => ({ name: place.join("."), place })))(
  "$name of a wrong type is refused by its name, before the database is asked",
  async ({ place }) => {
    for (const value of wrongValuesAt(place)) {
      const refusal = await refusalOfConfig(replaced(completeConfig, place, value));
      expect([value, refusal.code]).toEqual([value, "CONFIG_INVALID"]);
      const inItem = Array.isArray(value) && value.length > 0 ? [...place, "0"] : place;
      expect([value, said(refusal, inItem), refusal.details]).toEqual([
        value,
        expect.stringMatching(/: .+ → .+/),
        expect.anything(),
      ]);
    }
  },
);

const objects = places.filter((place) => {
  const value = valueAt(completeConfig, place);
  return (
    typeof value === "object" &&
    !Array.isArray(value) &&
    !/([tT]ables|profiles|lookups|uniquePerOrganization|gates)$/.test(place.at(-1) ?? "")
  );
});

test.each([[], ...objects].map((place) => ({ name: ["(the whole)", ...place].join("."), place })))(
  "a key that $name does not know is refused by its name",
  async ({ place }) => {
    const extra = [...place, "colour"];
    const refusal = await refusalOfConfig(replaced(completeConfig, extra, "blue"));
    expect(said(refusal, extra)).toMatch(/unknown setting →/);
  },
);

const needed: readonly string[] = [
  "users",
  "users.owners",
  "day1",
  "day2",
  "day1.tables",
  "day2.tables",
  "day1.tables.leads.user",
  "day1.tables.calls.via",
  "day2.tables.scripts.source",
  "day2.tables.invoices.sql",
  "identity.kind",
  "identity.setting",
  "defaultOrganization.name",
  "defaultOrganization.slug",
  "organizations.0.name",
  "organizations.0.slug",
  "organizations.0.users",
  "audit.accepted.0.rule",
  "audit.accepted.0.object",
  "audit.accepted.0.reason",
  "audit.accepted.0.until",
];

test.each(needed)("without %s the configuration is refused", async (name) => {
  const place = name.split(".");
  const refusal = await refusalOfConfig(replaced(completeConfig, place, undefined));
  expect([refusal.details, said(refusal, place)]).toEqual([expect.anything(), expect.anything()]);
});

const wrongValues: readonly (readonly [string, unknown])[] = [
  ["schema", "a".repeat(64)],
  ["schema", "é".repeat(32)],
  ["schema", "a\0b"],
  ["names.organizationColumn", "ü".repeat(40)],
  ["names.helpers", "public"],
  ["names.helpers", "pg_catalog"],
  ["names.helpers", "tenantry"],
  ["identity.kind", "oauth"],
  ["identity.setting", "user_id"],
  ["identity.setting", "app.user id"],
  ["identity.setting", "app.'; DROP TABLE leads; --"],
  ["users.table", "a.b.c"],
  ["users.table", '"unclosed'],
  ["users.owners", "   "],
  ["roles.signedIn", "r".repeat(64)],
  ["defaultOrganization.slug", "Not A Slug"],
  ["defaultOrganization.slug", "-a"],
  ["organizations.0.slug", "a--b"],
  ["organizations.0.slug", "ä"],
  ["missingTables", "ignore"],
  ["unlistedTables", "skip"],
  ["sharedTables.countries", "x"],
  ["exemptTables.person", "  "],
  ["online.lockTimeoutInMilliseconds", 901],
  ["online.lockTimeoutInMilliseconds", 9],
  ["online.lockAttempts", 0],
  ["online.giveUpAfterInMilliseconds", -1],
  ["online.onFailure", "resume"],
  ["online.batchTargetInMilliseconds", 4],
  ["online.replicaLagLimitInMilliseconds", 99],
  ["audit.accepted.0.until", "2030-02-30"],
  ["audit.accepted.0.until", "tomorrow"],
  ["backups.jobs", 65],
  ["backups.compression", 10],
  ["backups.keep", 0],
  ["backups.recipients.0", "AGE-SECRET-KEY-1QQQ"],
  ["backups.recipients.0", "ssh-ed25519 AAAA"],
  ["git.ifTagExists", "overwrite"],
];

test.each(wrongValues)("%s cannot be %j", async (name, value) => {
  const place = name.split(".");
  const refusal = await refusalOfConfig(replaced(completeConfig, place, value));
  expect(refusal.code).toBe("CONFIG_INVALID");
  expect([refusal.details, said(refusal, place)]).toEqual([expect.anything(), expect.anything()]);
});

test("however many fields are wrong, each of them is named at once", async () => {
  // Of an identity or a decision that is of no known kind, nothing else can be judged; null is a value of the other.
  const others = ["identity.kind", "functions.0.do", "roles.anonymous"];
  const leaves = places.filter(
    (place) =>
      typeof valueAt(completeConfig, place) !== "object" && !others.includes(place.join(".")),
  );
  await fc.assert(
    fc.asyncProperty(fc.subarray(leaves, { minLength: 2 }), async (wrong) => {
      const broken = wrong.reduce<unknown>(
        (config, place) => replaced(config, place, null),
        completeConfig,
      );
      const refusal = await refusalOfConfig(broken);
      expect(wrong.filter((place) => said(refusal, place) === undefined)).toEqual([]);
    }),
    { numRuns: 40 },
  );
});

test("whatever a configuration holds, it is read or refused with every fault", async () => {
  await fc
    .assert(
      fc.asyncProperty(fc.constantFrom(...places), fc.jsonValue(), async (place, value) => {
        const refusal = await refusalOfConfig(replaced(completeConfig, place, value));
        expect(refusal.code).toMatch(/^(CONFIG_INVALID|CONNECTION_FAILED)$/);
      }),
      { numRuns: 150 },
    )
    .catch((error: unknown) => {
      throw error;
    });
});
