import path from "node:path";
import { execa } from "execa";
import { expect, onTestFinished, test, vi } from "vitest";
import { openSession } from "../../src/postgres/connection.ts";
import { findServerBinaries } from "../../src/scratch/binaries.ts";
import { findServerUser } from "../../src/scratch/server-user.ts";
import { smallCompany } from "../setup/small-company.ts";
import { company, execute, findings, look, ownServer, serverSettings } from "./server.ts";

/** A copy of the server on a port of its own, for one test; undefined without pg_basebackup. */
async function copyServer(
  kind: "standby" | "of its own",
  settings: Readonly<Record<string, string>>,
): Promise<number | undefined> {
  const server = await ownServer();
  const [local] = await findServerBinaries({ major: server.major, origin: "local" });
  if (local?.origin !== "local") return undefined;
  const data = path.join(server.folder, kind.replaceAll(" ", "-"));
  const user = await findServerUser();
  const how = {
    cwd: server.folder,
    ...(user === undefined ? {} : { uid: user.uid, gid: user.gid }),
  };
  await execa(
    path.join(local.folder, "pg_basebackup"),
    [
      ...(kind === "standby" ? ["--write-recovery-conf"] : []),
      ...["--checkpoint=fast", `--pgdata=${data}`],
      ...["--host=127.0.0.1", `--port=${server.port}`, "--username=postgres"],
    ],
    how,
  );
  const port = server.port < 60_000 ? server.port + 1 : server.port - 1;
  const given = {
    ...serverSettings,
    ...settings,
    archive_mode: "off",
    port: String(port),
    unix_socket_directories: server.folder,
  };
  const copy = execa(
    path.join(local.folder, "postgres"),
    ["-D", data, ...Object.entries(given).flatMap(([name, value]) => ["-c", `${name}=${value}`])],
    { ...how, reject: false },
  );
  onTestFinished(async () => {
    copy.kill("SIGINT");
    await copy;
  });
  return port;
}

function atPort(url: string, port: number): string {
  const there = new URL(url);
  there.port = String(port);
  return there.href;
}

test("a standby is found, and on the primary how far it is behind", async ({ skip }) => {
  const { url, session } = await company("replica");
  const port = await copyServer("standby", { recovery_min_apply_delay: "1h" });
  if (port === undefined) return skip("no pg_basebackup");
  const found = await vi.waitFor(() => look({ url: atPort(url, port) }), {
    timeout: 20_000,
    interval: 300,
  });
  expect(found[0]).toMatchObject({
    id: "standby",
    severity: "blocking",
    fix: "connect to the primary",
  });
  expect(found.filter(({ fact }) => fact.startsWith("could not be checked"))).toEqual([]);

  const config = { ...smallCompany, online: { replicaLagLimitInMilliseconds: 100 } };
  await execute(session, "UPDATE settings SET value = 'replayed later'");
  const says = expect.stringMatching(/^replica .*: lags .*; the limit is 100 ms$/);
  await vi.waitFor(
    async () =>
      expect(await findings("replica-lag", { url }, { config })).toMatchObject([
        { severity: "advisory", says },
      ]),
    { timeout: 20_000, interval: 300 },
  );
});

test("a max_wal_size that the backfill would fill many times over is said", async ({ skip }) => {
  const { url } = await company("checkpoints", 100_000);
  const port = await copyServer("of its own", {});
  if (port === undefined) return skip("no pg_basebackup");
  const there = { url: atPort(url, port) };
  const session = await vi.waitFor(() => openSession(there), { timeout: 20_000, interval: 300 });
  await execute(session, "ALTER SYSTEM SET max_wal_size = '32MB'", "SELECT pg_reload_conf()");
  const polling = { timeout: 20_000, interval: 300 };
  const small = await vi.waitFor(async () => {
    const [one] = await findings("write-ahead-log", there);
    if (one === undefined) throw new Error("not yet");
    return one;
  }, polling);
  expect(small.says).toMatch(/^max_wal_size: is 32\.0 MB; the backfill may write .* MB of WAL$/);
  await execute(session, ...small.fix.split("; "));
  await vi.waitFor(
    async () => expect(await findings("write-ahead-log", there)).toEqual([]),
    polling,
  );
  await session.close();
});
