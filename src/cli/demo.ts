import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { simpleGit } from "simple-git";
import { z } from "zod";
import { readSnapshot } from "../catalog/snapshot.ts";
import { parseSettings } from "../config/load.ts";
import { demoConfig } from "../demo/config.ts";
import { makeDialler } from "../demo/dialler.ts";
import { type OldApplicationReport, startOldApplication } from "../demo/old-application.ts";
import { type VisibleRows, visibleRows } from "../demo/visible-rows.ts";
import { AppError } from "../errors.ts";
import { formatTable } from "../report/table.ts";
import { formatCount, formatDuration } from "../report/units.ts";
import { wrapped } from "../report/wrap.ts";
import { chooseForDemo } from "../scratch/binaries.ts";
import { type Server, startServer } from "../scratch/server.ts";
import { globalOptions } from "./options.ts";
import { type Output, withOutput } from "./output.ts";
import { rollbackIn } from "./rollback.ts";
import { runIn } from "./run.ts";
import { inWorkplace, takeTarget, type Workplace } from "./workplace.ts";

export const demoOptions = globalOptions.extend({
  rows: z.coerce.number().int().min(1000).max(50_000_000).default(320_000),
  keep: z.boolean().default(false),
});

export type DemoOptions = z.output<typeof demoOptions>;

/**
 * Makes a dialler's database on a server of its own, runs the three days on it while an application
 * that knows nothing of organizations keeps writing, and rolls all of it back.
 */
export async function demo(options: DemoOptions): Promise<void> {
  // The demo has a server of its own, which has no business with these secrets.
  const target = takeTarget(options);
  await withOutput({ options, target, log: undefined }, (output) => demoTo(output, options));
}

async function demoTo(output: Output, options: DemoOptions): Promise<void> {
  const started = performance.now();
  const say = (text: string) => output.emit({ kind: "notice", text });
  const { binaries } = await chooseForDemo();
  const server = await startServer({ binaries, outlivesProcess: options.keep });
  const folder = await mkdtemp(path.join(tmpdir(), "tenantry-demo-"));
  try {
    say(`PostgreSQL ${binaries.version} (${binaries.origin}) answers at ${server.url}`);
    await makeRepository(folder);
    await inWorkplace(
      {
        settings: parseSettings(demoConfig, "the demo's configuration"),
        configFile: path.join(folder, "tenantry.config.json"),
        folder,
        target: output.observed({ url: server.url }),
        output,
      },
      (workplace) => play(workplace, server, options),
    );
    say(`the demo took ${formatDuration(performance.now() - started)}`);
    if (options.keep) say(whatIsKept(server, folder));
  } finally {
    if (!options.keep) {
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    }
  }
}

/** The application's repository: what is tagged before each day. */
async function makeRepository(folder: string): Promise<void> {
  await writeFile(
    path.join(folder, "tenantry.config.json"),
    `${JSON.stringify(demoConfig, undefined, 2)}\n`,
  );
  await writeFile(path.join(folder, ".gitignore"), "backups/\n");
  const git = simpleGit(folder);
  await git.init();
  await git.addConfig("user.name", "Tenantry's demo");
  await git.addConfig("user.email", "demo@tenantry.example");
  await git.add(".");
  await git.commit("The application, before it knew of organizations");
}

async function play(workplace: Workplace, server: Server, options: DemoOptions): Promise<void> {
  const { session, output } = workplace;
  const made = await makeDialler(session, { rows: options.rows });
  const text = `a dialler's database: 20 tables, 50 users, ${formatCount(made.leads)} leads and ${formatCount(made.callLogs)} call logs; an application that knows nothing of organizations begins to write`;
  output.emit({ kind: "notice", text });
  const before = (await readSnapshot(session)).fingerprint;
  const application = await startOldApplication(server.url);
  let report: OldApplicationReport;
  try {
    const sure = { ...options, yes: true };
    await runIn(workplace, sure);
    const seen = await visibleRows(session, workplace.settings);
    await output.show({ kind: "visible-rows", ...seen }, () => showVisibleRows(seen));
    await rollbackIn(workplace, { ...sure, all: true, despiteGuards: false });
  } finally {
    report = await application.stop();
  }
  const after = (await readSnapshot(session)).fingerprint;
  const equal = before.digest === after.digest;
  const { writes, failed, longestWaitInMilliseconds, p99InMilliseconds } = report;
  const written = `The application made ${formatCount(writes)} writes meanwhile: ${failed} failed, the longest took ${formatDuration(longestWaitInMilliseconds)} (99 % under ${formatDuration(p99InMilliseconds)}).`;
  await output.show(
    {
      kind: "demo",
      fingerprintBefore: before.digest,
      fingerprintAfter: after.digest,
      equal,
      writes,
      failed,
      longestWaitInMilliseconds,
      p99InMilliseconds,
    },
    () => `
The schema's fingerprint, ${equal ? "equal" : "DIFFERENT"}:
before  ${before.digest}
after   ${after.digest}

${wrapped(written, process.stdout.columns ?? Number.POSITIVE_INFINITY, "")}
`,
  );
  if (!equal || failed > 0) {
    throw new AppError({
      code: "VERIFICATION_FAILED",
      object: "the demo",
      fault: "the application or the schema was harmed",
      state: "the demo's own server only",
      next: "please report it",
      details: report.failures,
    });
  }
}

/** What users of each organization see, asked as they would ask. */
function showVisibleRows(seen: VisibleRows): string {
  const table = formatTable(
    ["who asks", "organization", ...seen.tables],
    seen.rows.map(({ user, organization, counts }) => [
      user,
      organization,
      ...counts.map(formatCount),
    ]),
    seen.tables.map((_, index) => index + 2),
  );
  return `\nWhat each organization sees now:\n${table}\n\n`;
}

function whatIsKept(server: Server, folder: string): string {
  return `the server stays up, with the database as it was before the three days:
  cd ${folder}
  export DATABASE_URL=${server.url}
  tenantry plan                 every step, its lock, its size
  tenantry run --yes            the three days
  tenantry rollback --all --yes
To end it: kill ${server.process}; sleep 1; rm -rf ${server.folder} ${folder}`;
}
