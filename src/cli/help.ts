/** A line that can be run as it stands, and what it does. */
type Example = readonly [line: string, does: string];

/** Of one command. */
export type Help = {
  readonly about: string;
  readonly examples: readonly [Example, ...Example[]];
};

/** The text of --help for each command. A test runs every example through the command line's parser. */
export const commandHelp = {
  run: {
    about: "run the stages that are left, or one",
    examples: [
      ["tenantry run --stage day1", "shows the stage, asks, backs up, runs, verifies"],
      ["tenantry run --yes --quiet", "all that are left, without a question"],
      ["tenantry run --stage day2 --verify-backup", "the backup is restored and compared first"],
    ],
  },
  check: {
    about: "check for problems before anything is changed",
    examples: [
      ["tenantry check", "each finding with its fix; exit 1 where one blocks"],
      ["tenantry check --stage day2 --json", "for a program"],
    ],
  },
  plan: {
    about: "show every step with the lock it takes; changes nothing",
    examples: [
      ["tenantry plan --stage day1", "every step, its lock, its table's size"],
      ["tenantry plan --sql", "the SQL of all stages, as a script for psql"],
      ["tenantry plan --new-tables", "tables that came after their stage"],
    ],
  },
  status: {
    about: "show the state of each stage and the next command",
    examples: [
      ["tenantry status", "each stage, by whom, since when, with which backup"],
      ["tenantry status --steps", "every step, what it took, and what its rehearsal predicted"],
    ],
  },
  verify: {
    about: "verify a stage that is applied: what it writes is rolled back",
    examples: [
      ["tenantry verify", "the last stage that is applied; exit 3 where something does not hold"],
      ["tenantry verify day1 --json", "for a program"],
      ["tenantry verify day3 --on-clone", "on a restored backup, instead of the database itself"],
      [
        "tenantry verify --certificate day3.json --sign-with key.pem",
        "what was tried and found, for an auditor",
      ],
    ],
  },
  certificate: {
    about: "whether a database still is what a certificate says",
    examples: [["tenantry certificate check day3.json", "exit 3 where something differs"]],
  },
  "certificate check": {
    about: "compare a database with a certificate; needs no configuration, and changes nothing",
    examples: [
      [
        "tenantry certificate check day3.json --key public.pem",
        "also, whether this key signed it; exit 3 where something differs",
      ],
    ],
  },
  fence: {
    about: "fence tables that came after their stage was applied",
    examples: [
      [
        "tenantry fence invoices",
        "a table of the configuration: the steps its stage would have had",
      ],
      ["tenantry fence", "all tables of the configuration that are not fenced yet"],
      ["tenantry rollback --stage later1", "undoes it"],
    ],
  },
  rollback: {
    about: "undo the last stage that was begun, one stage, or all",
    examples: [
      ["tenantry rollback", "in an incident: the last stage, after asking"],
      ["tenantry rollback --all --yes", "all of them, the last first, without a question"],
      ["tenantry rollback --stage day2 --print-sql", "the script for psql; changes nothing"],
      ["tenantry rollback --check", "whether all could go back today, and what would be lost"],
    ],
  },
  audit: {
    about: "audit the catalog for leaks; changes nothing",
    examples: [
      ["tenantry audit", "findings with the SQL that fixes them; exit 3 where there is one"],
      ["tenantry audit --drift", "what the fence stands on and was changed since the last stage"],
      ["tenantry audit --drift --accept CHANGE-42", "accept it as it is now, with a reason"],
      [
        "tenantry audit --self-test",
        "small test databases, their fences broken in every known way",
      ],
    ],
  },
  backup: {
    about: "back up the database now, without a stage",
    examples: [
      ["tenantry backup", "into the configured folder"],
      ["tenantry backup list", "what is there"],
      ["tenantry backup verify", "restore the newest elsewhere, and compare"],
    ],
  },
  "backup list": {
    about: "the backups in the configured folder",
    examples: [["tenantry backup list", "the newest first, with stage and size"]],
  },
  "backup verify": {
    about: "restore a backup elsewhere; compare schema, counts and checksums",
    examples: [
      ["tenantry backup verify", "the newest, on a server that is started here"],
      [
        "tenantry backup verify backups/day1-20261123T101500Z --identity key.txt",
        "one that is encrypted",
      ],
    ],
  },
  rehearse: {
    about: "run the stages and their rollback on a copy, and predict times and sizes",
    examples: [
      ["tenantry rehearse", "on a backup that is made for it"],
      ["tenantry rehearse --stage day1 --sample 5", "on the schema and 5 % of large tables' rows"],
    ],
  },
  restore: {
    about: "the last resort: restore a backup into another database, or in place",
    examples: [
      [
        "tenantry restore backups/day1-20261123T101500Z --into postgresql://localhost/copy",
        "into a database that is made for it",
      ],
      [
        "tenantry restore backups/day1-20261123T101500Z --in-place",
        "shows what is lost, and asks for the database's name",
      ],
    ],
  },
  demo: {
    about: "run the three days and their rollback on a new database, with an application writing",
    examples: [
      ["tenantry demo", "in a minute, and nothing of yours is touched"],
      ["tenantry demo --rows 1000000 --keep", "larger, and the server stays up to look at"],
    ],
  },
  guides: {
    about: "guides for users, admins, developers and clients of the API, from the configuration",
    examples: [
      ["tenantry guides", "what would be written"],
      ["tenantry guides --write", "into docs/tenancy; again whenever the configuration changes"],
    ],
  },
  code: {
    about: "the application's code: find, rewrite and guard its queries; asks no database",
    examples: [
      ["tenantry code list", "every query, with its client, table, payload and filters"],
      ["tenantry code rewrite", "a diff of what would be changed; --write changes it"],
      ["tenantry code scaffold", "context, switcher and helpers that know the organization"],
      ["tenantry code check", "in CI: exit 3 where a query names no organization"],
    ],
  },
  "code list": {
    about: "every query with its client, table, payload and filters; changes nothing",
    examples: [
      ["tenantry code list", "as a table"],
      ["tenantry code list --sarif code.sarif", "for a page of findings, too"],
    ],
  },
  "code rewrite": {
    about: "give every query its organization: shows a diff, and changes nothing",
    examples: [
      ["tenantry code rewrite", "the diff, and what has to be done by hand, with the reason"],
      ["tenantry code rewrite --write", "changes the files"],
    ],
  },
  "code scaffold": {
    about: "what the application needs to know its organization: context, switcher, helper, types",
    examples: [
      ["tenantry code scaffold", "the files as a diff, and what must be done by hand"],
      ["tenantry code scaffold --write", "writes them; replaces none that is there"],
    ],
  },
  "code check": {
    about: "in CI: exit 3 where a query on a tenant table names no organization",
    examples: [["tenantry code check", "each with its place, the rule, and its fix"]],
  },
  explain: {
    about: "explain a stage, step, error, SQLSTATE, check or rule",
    examples: [
      ["tenantry explain day1/leads/backfill", "what the step does, its lock, what a kill leaves"],
      ["tenantry explain LOCK_NOT_GRANTED", "what the error means, and what to do"],
      ["tenantry explain 55P03", "the same of PostgreSQL's own"],
    ],
  },
} as const satisfies Record<string, Help>;

export type CommandName = keyof typeof commandHelp;

/** What stands below a command's options. */
export function helpAfter(name: CommandName): string {
  return `\nExamples:\n${exampleLines(commandHelp[name].examples)}`;
}

/** The first examples. */
const firstExamples: readonly Example[] = [
  ["tenantry demo", "see the three days and their rollback in a minute"],
  ["tenantry check", "problems with their fixes; exit 1 where one blocks"],
  ["tenantry plan --stage day1", "every step, its lock, its table's size"],
  ["tenantry run --stage day1", "backup, git tag, steps, verification"],
  ["tenantry --stage day1 --verify", "in CI: exit 3 where isolation does not hold (docs/ci.md)"],
  ["tenantry rollback", "in an incident: undo the last stage"],
  ["tenantry backup verify", "restore the newest backup elsewhere, and compare"],
  ["tenantry explain 55P03", "an error, step, check or rule in words"],
];

export const rootHelpAfter = `
Examples:
${exampleLines(firstExamples)}

Exit codes: 0 done, 1 failed, 2 wrong usage or configuration, 3 verification does not hold,
4 another run holds the lease, 130 interrupted.

Completion: tenantry completion bash|zsh|fish|powershell prints a script for the shell.`;

/** What each example does stands beside it, or below where it is long. */
function exampleLines(examples: readonly Example[]): string {
  const beside = 34;
  return examples
    .map(([line, does]) =>
      line.length <= beside
        ? `  ${line.padEnd(beside)} ${does}`
        : `  ${line}\n  ${"".padEnd(beside)} ${does}`,
    )
    .join("\n");
}
