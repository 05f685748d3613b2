import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { simpleGit } from "simple-git";
import { chooseForDemo } from "../backup/programs/pg-dump.ts";
import { readSnapshot } from "../catalog/snapshot.ts";
import { parseSettings } from "../config/load.ts";
import { demoConfig } from "../demo/config.ts";
import { makeDialler } from "../demo/dialler.ts";
import { type OldApplicationReport, startOldApplication } from "../demo/old-application.ts";
import { type VisibleRows, visibleRows } from "../demo/visible-rows.ts";
import { AppError } from "../errors.ts";
import { formatCount } from "../number-formats.ts";
import { type Server, startServer } from "../scratch/server.ts";
import type { Caller } from "./context/caller.ts";
import { type Workspace, withWorkspace } from "./context/workspace.ts";
import { rollBackStages } from "./roll-back.ts";
import { runStages } from "./run-stages.ts";

export type DemoRequest = {
  /** Rows in leads and call_logs together. */
  readonly rows: number;
  /** Leaves the server up at the end. */
  readonly keep: boolean;
  /** Sees every statement, where the caller wants to. */
  readonly observe?: Workspace["target"]["observe"];
  /** Is told what users of each organization see, when the three days are done. */
  readonly onVisibleRows: (seen: VisibleRows) => Promise<void>;
};

export type DemoResult = {
  readonly fingerprintBefore: string;
  readonly fingerprintAfter: string;
  readonly equal: boolean;
  /** What the application wrote meanwhile. */
  readonly report: OldApplicationReport;
  readonly milliseconds: number;
  /** The server that was left up, and the folder of its configuration. */
  readonly kept: { readonly server: Server; readonly folder: string } | undefined;
  /** Undefined where neither the application nor the schema was harmed. */
  readonly failure: AppError | undefined;
};

/**
 * Makes a dialler's database on a new server, runs the three days on it while an application
 * that knows nothing of organizations keeps writing, and rolls all of it back.
 */
export async function playDemo(caller: Caller, request: DemoRequest): Promise<DemoResult> {
  const started = performance.now();
  const { binaries } = await chooseForDemo();
  const server = await startServer({ binaries, outlivesProcess: request.keep });
  const folder = await mkdtemp(path.join(tmpdir(), "tenantry-demo-"));
  try {
    const text = `PostgreSQL ${binaries.version} (${binaries.origin}) answers at ${server.url}`;
    caller.emit({ kind: "notice", text });
    await makeRepository(folder);
    const { observe } = request;
    const place = {
      settings: parseSettings(demoConfig, "the demo's configuration"),
      configFile: path.join(folder, "tenantry.config.json"),
      folder,
      target: { url: server.url, ...(observe === undefined ? {} : { observe }) },
      caller,
    };
    const played = await withWorkspace(place, (workspace) => play(workspace, server, request));
    const milliseconds = performance.now() - started;
    return { ...played, milliseconds, kept: request.keep ? { server, folder } : undefined };
  } finally {
    if (!request.keep) {
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

async function play(
  workspace: Workspace,
  server: Server,
  request: DemoRequest,
): Promise<Omit<DemoResult, "milliseconds" | "kept">> {
  const { session, caller } = workspace;
  const made = await makeDialler(session, { rows: request.rows });
  const text = `a dialler's database: 20 tables, 50 users, ${formatCount(made.leads)} leads and ${formatCount(made.callLogs)} call logs; an application that knows nothing of organizations begins to write`;
  caller.emit({ kind: "notice", text });
  const before = (await readSnapshot(session)).fingerprint;
  const application = await startOldApplication(server.url);
  let report: OldApplicationReport;
  try {
    await runStages(workspace);
    await request.onVisibleRows(await visibleRows(session, workspace.settings));
    await rollBackStages(workspace, { stage: "all" });
  } finally {
    report = await application.stop();
  }
  const after = (await readSnapshot(session)).fingerprint;
  const equal = before.digest === after.digest;
  return {
    fingerprintBefore: before.digest,
    fingerprintAfter: after.digest,
    equal,
    report,
    failure: equal && report.failed === 0 ? undefined : harmed(report),
  };
}

function harmed({ failures }: OldApplicationReport): AppError {
  return new AppError({
    code: "VERIFICATION_FAILED",
    object: "the demo",
    fault: "the application or the schema was harmed",
    state: "only the demo's own server was used",
    next: "please report it",
    details: failures,
  });
}
