import type { VisibleRows } from "../../demo/visible-rows.ts";
import { formatCount, formatDuration } from "../../number-formats.ts";
import { type DemoResult, playDemo } from "../../operations/demo.ts";
import { formatTable } from "../../report/terminal/table.ts";
import { wrapped } from "../../report/terminal/wrap.ts";
import type { Server } from "../../scratch/server.ts";
import type { GlobalOptions } from "../options.ts";
import { type Output, withOutput } from "../terminal/output.ts";
import { callerOf, takeTarget } from "../workspace.ts";

export type DemoOptions = GlobalOptions & { readonly rows: number; readonly keep: boolean };

/** `tenantry demo`: the three days and their rollback on a new database, with a writer on it. */
export async function demo(options: DemoOptions): Promise<void> {
  // It starts its own server and does not need these secrets.
  const target = takeTarget(options);
  await withOutput({ options, target, log: undefined }, (output) => playAndShow(output, options));
}

async function playAndShow(output: Output, options: DemoOptions): Promise<void> {
  const { observe } = output.observed({ url: undefined });
  const played = await playDemo(callerOf({ ...options, yes: true }, output), {
    rows: options.rows,
    keep: options.keep,
    ...(observe === undefined ? {} : { observe }),
    onVisibleRows: (seen) =>
      output.show({ kind: "visible-rows", ...seen }, () => showVisibleRows(seen)),
  });
  const { fingerprintBefore, fingerprintAfter, equal } = played;
  const { writes, failed, longestWaitInMilliseconds, p99InMilliseconds } = played.report;
  const waits = { writes, failed, longestWaitInMilliseconds, p99InMilliseconds };
  await output.show({ kind: "demo", fingerprintBefore, fingerprintAfter, equal, ...waits }, () =>
    showDemo(played),
  );
  if (played.failure !== undefined) throw played.failure;
  const say = (text: string) => output.emit({ kind: "notice", text });
  say(`the demo took ${formatDuration(played.milliseconds)}`);
  if (played.kept !== undefined) say(whatIsKept(played.kept.server, played.kept.folder));
}

function showDemo({ fingerprintBefore, fingerprintAfter, equal, report }: DemoResult): string {
  const { writes, failed, longestWaitInMilliseconds, p99InMilliseconds } = report;
  const written = `The application made ${formatCount(writes)} writes meanwhile: ${failed} failed, the longest took ${formatDuration(longestWaitInMilliseconds)} (99 % under ${formatDuration(p99InMilliseconds)}).`;
  return `
The schema's fingerprint, ${equal ? "equal" : "DIFFERENT"}:
before  ${fingerprintBefore}
after   ${fingerprintAfter}

${wrapped(written, process.stdout.columns ?? Number.POSITIVE_INFINITY, "")}
`;
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
