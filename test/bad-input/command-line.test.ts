import fc from "fast-check";
import { expect, test } from "vitest";
import type { ErrorCode } from "../../src/errors.ts";
import { smallCompany } from "../setup/small-company.ts";
import { filesIn, folderWith, refusalOf, tenantryIn } from "./in-this-process.ts";

const files = { "tenantry.config.json": JSON.stringify(smallCompany) };

/** Nothing answers there: whoever gets as far as asking the database is found out. */
const nowhere = { DATABASE_URL: "postgresql://nobody:secret-word@127.0.0.1:1/none" };

type Case = readonly [line: string, says: RegExp, code?: ErrorCode];

const mistyped: readonly Case[] = [
  ["rnu", /^there is no command rnu: did you mean run\?/],
  ["migrate", /^there is no command migrate: there are run, check/],
  ["backup lsit", /^there is no command lsit: did you mean list\?/],
  ["rollback now", /^too many arguments/],
  ["status extra more", /^too many arguments/],
  ["backup list x", /^too many arguments/],
  ["backup verify a b", /^too many arguments/],
  ["status -- extra", /^too many arguments/],
  ["restore", /^missing required argument 'folder'/],
  ["--nope", /^unknown option '--nope'/],
  ["-x", /^unknown option '-x'/],
  ["run --stgae day1", /^unknown option '--stgae' \(Did you mean --stage\?\)/],
  ["run --yes=maybe", /^unknown option '--yes=maybe'/],
  ["demo --keep=no", /^unknown option/],
  ["run --RUN", /^unknown option/],
  ["run --stage", /argument missing/],
  ["status --url", /argument missing/],
  ["check --config", /argument missing/],
  ["restore x --into", /argument missing/],
  ["rehearse --sample", /argument missing/],
];

const ofAnotherCommand: readonly Case[] = [
  ["run --verify", /^--verify: is no option of this command/],
  ["run --stage day1 --verify --yes", /^--verify: is no option of this command/],
  ["rollback --verify --yes", /^--verify: is no option of this command/],
  ["rollback --verify-backup --yes", /^--verify-backup: is no option of this command/],
  ["status --stage day1", /^--stage: is no option of this command/],
  ["audit --stage day1", /^--stage: is no option of this command/],
  ["plan --junit x --sarif y", /^--junit: is no option .*; --sarif: is no option/],
  ["backup --stage day1", /^--stage: is no option of this command/],
  ["backup list --verify-backup", /^--verify-backup: is no option of this command/],
  ["restore x --in-place --scratch y", /^--scratch: is no option of this command/],
  ["demo --stage day1", /^--stage: is no option of this command/],
  ["check --verify", /^--verify: is no option of this command/],
  ["rehearse --junit x", /^--junit: is no option of this command/],
];

const contradicting: readonly Case[] = [
  ["--verify", /needs a stage/],
  ["--stage day1 --verify --verify-backup", /^--verify-backup: goes without --verify/],
  ["--stage day1 --junit report.xml --yes", /^--verify: is needed with --junit, --sarif/],
  ["--stage day1 --sarif report.sarif --yes", /^--verify: is needed with --junit, --sarif/],
  ["run --attribution x", /^--attribution: needs --stage/],
  ["rollback --all --stage day1", /^--all: goes without --stage/],
  ["rehearse --sample 1 --backup x", /^--sample: goes without --backup/],
  ["restore x", /either --into another database, or --in-place/],
  ["restore x --into postgresql://u@h/d --in-place", /either --into another database/],
  ["rollback --print-sql --all --stage day1", /^--all: goes without --stage/],
];

const withStage = ["", "run", "check", "plan", "rollback", "rehearse"].flatMap((command) =>
  ["day4", "Day1", "1", "day", "day1,day2", "all", "constructor"].map(
    (stage): Case => [
      `${command} --stage ${stage}`.trim(),
      /^option '--stage <stage>' argument '.*' is invalid. The stages are day1/,
    ],
  ),
);

const wrongValues: readonly Case[] = [
  ...withStage,
  ["--stage= --verify", /^option '--stage <stage>' argument '.*' is invalid. The stages are day1/],
  [
    "--stage day1 --stage day9",
    /^option '--stage <stage>' argument '.*' is invalid. The stages are day1/,
  ],
  ...["0", "-1", "101", "all", "NaN", "Infinity", "1e400", "5%", ""].map(
    (value): Case => [`rehearse --sample=${value}`, /^--sample: /],
  ),
  ...["-1", "1.5", "10001", "fast", "NaN"].map(
    (value): Case => [`rehearse --writes-per-second=${value}`, /^--writes-per-second: /],
  ),
  ...["999", "1e12", "many", "", "1000.5"].map(
    (value): Case => [`demo --rows=${value}`, /^--rows: /],
  ),
  ["status --config missing.json", /no configuration found/, "CONFIG_NOT_FOUND"],
  ["status --config=", /no configuration found/, "CONFIG_NOT_FOUND"],
  ["status --config .", /no configuration found/, "CONFIG_NOT_FOUND"],
  ["run --config /dev/null/x --yes", /no configuration found/, "CONFIG_NOT_FOUND"],
];

const noUrls: readonly Case[] = [
  ...[
    "",
    "nonsense",
    "mysql://u@h/d",
    "http://u@h/d",
    "postgres:/x",
    "postgresql//u@h/d",
    "postgresql://u@h:99999/d",
    "postgresql://u@h:port/d",
    "postgresql://u@h:-1/d",
    "postgresql://u@[::1/d",
    " postgresql://u@h/d",
    "host=h dbname=d",
  ].map((url): Case => [`status|--url=${url}`, /^is not a valid PostgreSQL URL/]),
  ["status --url postgresql://u@h/d?sslmode=requier", /has an unknown sslmode: requier/],
  [
    "run --yes --url postgresql://u@h/d?sslmode=verify-full&sslrootcert=/nowhere.pem",
    /names a file that cannot be read: .*nowhere\.pem/,
  ],
  ["rehearse --scratch nonsense --backup x", /no connection/, "CONNECTION_FAILED"],
  ["restore x --into nonsense", /is not a valid PostgreSQL URL/],
  ["restore x --in-place --url nonsense", /is not a valid PostgreSQL URL/],
  ["check --url postgresql://u@nowhere.invalid/d", /no connection/, "CONNECTION_FAILED"],
  ["check --url postgresql://u@127.0.0.1,127.0.0.2/d", /no connection/, "CONNECTION_FAILED"],
  ["check --url postgresql://u@127.0.0.1:0/d", /no connection/, "CONNECTION_FAILED"],
  ["check --url postgresql:///d?host=/nowhere", /no connection/, "CONNECTION_FAILED"],
  ["check --url postgresql://%zz@127.0.0.1:1/%zz", /no connection/, "CONNECTION_FAILED"],
];

/** The words of a line; one with a | in it has its words between those. */
function wordsOf(line: string): string[] {
  return line.split(line.includes("|") ? "|" : " ").filter((word) => word !== "");
}

const cases: readonly Case[] = [
  ...mistyped,
  ...ofAnotherCommand,
  ...contradicting,
  ...wrongValues,
  ...noUrls,
];

test.each(cases.map(([line, says, code = "USAGE"]) => ({ line, says, code })))(
  "tenantry $line is refused before anything is asked of a database",
  async ({ line, says, code }) => {
    const folder = await folderWith(files);
    const before = await filesIn(folder);
    const outcome = await tenantryIn(folder, nowhere, wordsOf(line));
    expect(outcome.stdout).toBe("");
    const refusal = refusalOf(outcome);
    expect(refusal).toMatchObject({ code, fault: expect.stringMatching(says) });
    expect(refusal.next).toMatch(/tenantry|postgresql:\/\/|--url|--config|sslmode/);
    expect(await filesIn(folder)).toEqual(before);
  },
);

test.each([
  { DATABASE_URL: "nonsense" },
  { DATABASE_URL: "" },
  { PGHOST: "127.0.0.1", PGPORT: "1", PGUSER: "nobody", PGSSLMODE: "requier" },
])("%o is refused like the same in --url", async (environment) => {
  const folder = await folderWith(files);
  expect(refusalOf(await tenantryIn(folder, environment, ["run", "--yes"])).code).toBe("USAGE");
});

test.each([
  ["rnu", "there is no command rnu"],
  ["run --nope", "unknown option '--nope'"],
  ["run --stage day9", "The stages are day1, day2, day3"],
  ["status --url nonsense", "is not a valid PostgreSQL URL"],
  ["rollback --verify", "--verify: is no option of this command"],
  ["plan --sql", "--sql: goes without --json"],
  ["rollback --print-sql", "--print-sql: goes without --json"],
])("tenantry %s --json is a line of JSON, and nothing besides", async (line, says) => {
  const folder = await folderWith(files);
  const outcome = await tenantryIn(folder, nowhere, [...line.split(" "), "--json"]);
  expect([outcome.code, outcome.stderr]).toEqual([2, ""]);
  expect(JSON.parse(outcome.stdout)).toMatchObject({
    kind: "error",
    code: "USAGE",
    fault: expect.stringContaining(says),
  });
});

/** Words that end no run, and ask for no help. */
const word = fc
  .string({ unit: "grapheme", minLength: 1, maxLength: 12 })
  .filter((text) => !/^(-h|-V|--help|--version|demo)$/.test(text));

test("no word, whatever it is, is taken for a command or an option", async () => {
  const folder = await folderWith(files);
  const before = await filesIn(folder);
  const command = fc.constantFrom("run", "rollback", "plan", "backup", "audit", "check");
  await fc.assert(
    fc.asyncProperty(fc.option(command), fc.array(word, { minLength: 1 }), async (first, words) => {
      const args = first === null ? words : [first, ...words];
      const refusal = refusalOf(await tenantryIn(folder, nowhere, args));
      expect(refusal.code).toMatch(/^(USAGE|CONNECTION_FAILED)$/);
    }),
    { numRuns: 150 },
  );
  expect(await filesIn(folder)).toEqual(before);
});

test("no text, whatever it is, is taken for another database's URL, and no password is shown", async () => {
  const folder = await folderWith(files);
  const url = fc.oneof(
    fc.string({ unit: "binary" }),
    fc
      .tuple(fc.webAuthority(), fc.webQueryParameters())
      .map(([, query]) => `postgresql://u:secret-word@127.0.0.1:1/d?${query}`),
    fc.string().map((text) => `postgresql://nobody:secret-word@127.0.0.1:${text}`),
  );
  await fc.assert(
    fc.asyncProperty(url, async (text) => {
      const outcome = await tenantryIn(folder, {}, ["status", `--url=${text}`]);
      expect(refusalOf(outcome).code).toMatch(/^(USAGE|CONNECTION_FAILED)$/);
      expect(outcome.stderr).not.toContain("secret-word");
    }),
    // A password with a per cent sign, pasted as it is.
    { numRuns: 200, examples: [["postgresql://nobody:secret-word%@127.0.0.1:1/d"]] },
  );
});
