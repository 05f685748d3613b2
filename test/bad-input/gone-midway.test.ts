import { connect, createServer } from "node:net";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { makeDatabase, type TestDatabase } from "../setup/database.ts";
import { makeSmallCompany, smallCompany } from "../setup/small-company.ts";
import { contentOf, filesIn, folderWith, refusalOf, tenantryIn } from "./in-this-process.ts";

let database: TestDatabase;
let content: Record<string, string>;

beforeAll(async () => {
  database = await makeDatabase("a server that goes midway");
  await makeSmallCompany(database.session, 50);
  content = await contentOf(database.session);
});

afterAll(async () => {
  const after = await contentOf(database.session);
  await database.drop();
  expect(after).toEqual(content);
});

/** A way to the server that breaks, for good, when so many messages went along it. */
async function breakingAfter(messages: number): Promise<{ url: string; broke: () => boolean }> {
  const url = new URL(database.url);
  const server = { host: url.hostname, port: Number(url.port || 5432) };
  let left = messages;
  const ends = new Set<() => void>();
  const proxy = createServer((near) => {
    const far = connect(server);
    const end = () => {
      near.destroy();
      far.destroy();
    };
    ends.add(end);
    near.on("error", end).on("close", end);
    far.on("error", end).on("close", end);
    far.on("data", (data) => near.write(data));
    near.on("data", (data) => {
      // Whoever takes its leave has all that it wanted.
      const leave = data.toString("latin1").startsWith("X");
      if (!leave) left -= 1;
      if (left < 0) {
        for (const each of ends) each();
        return;
      }
      far.write(data);
    });
  });
  proxy.listen(0, "127.0.0.1");
  await new Promise((resolve) => proxy.once("listening", resolve));
  onTestFinished(() => {
    for (const end of ends) end();
    proxy.close();
  });
  const address = proxy.address();
  if (address === null || typeof address === "string") throw new Error("it does not listen");
  url.hostname = "127.0.0.1";
  url.port = String(address.port);
  return { url: url.href, broke: () => left < 0 };
}

const commands = [
  "status",
  "plan",
  "check",
  "audit",
  "backup",
  "--stage day1 --verify",
  "rollback --yes",
  "rehearse --sample 50",
];

test.each(commands)(
  "tenantry %s says that the server is gone, wherever it goes, and leaves nothing behind",
  async (command) => {
    for (const messages of [0, 1, 2, 3, 5, 8, 12, 16, 20, 25, 30]) {
      const { url, broke } = await breakingAfter(messages);
      const folder = await folderWith({ "tenantry.config.json": JSON.stringify(smallCompany) });
      const before = await filesIn(folder);
      const outcome = await tenantryIn(folder, { DATABASE_URL: url }, command.split(" "));
      if (!broke()) break;
      const { code } = refusalOf(outcome);
      expect([messages, code]).toEqual([
        messages,
        expect.stringMatching(/^(CONNECTION_(FAILED|LOST)|BACKUP_FAILED)$/),
      ]);
      const { backups: _folder, "backups/.gitignore": _ignored, ...left } = await filesIn(folder);
      expect(left).toEqual(before);
    }
  },
);

test("tenantry run says that the server is gone, and is undone or gone on with when it is back", async () => {
  const online = { ...smallCompany.online, giveUpAfterInMilliseconds: 0 };
  const config = JSON.stringify({ ...smallCompany, online });
  const folder = await folderWith({ "tenantry.config.json": config });
  const begun: boolean[] = [];
  for (const messages of [20, 150, 300, 450, 550, 650]) {
    const { url, broke } = await breakingAfter(messages);
    const args = ["run", "--stage", "day1", "--yes"];
    const outcome = await tenantryIn(folder, { DATABASE_URL: url }, args);
    if (broke()) {
      const { code } = refusalOf(outcome);
      expect([messages, code]).toEqual([
        messages,
        expect.stringMatching(/^(CONNECTION_(FAILED|LOST)|BACKUP_FAILED|LEASE_LOST)$/),
      ]);
    }
    const undone = await tenantryIn(folder, { DATABASE_URL: database.url }, ["rollback", "--yes"]);
    begun.push(undone.code === 0);
    if (undone.code !== 0) expect(refusalOf(undone).code).toBe("NOTHING_TO_ROLL_BACK");
    expect((await contentOf(database.session))["fingerprint"]).toBe(content["fingerprint"]);
  }
  expect(begun).toContain(true);
  expect(begun).toContain(false);
  await database.session.execute({ parts: ["DROP SCHEMA tenantry CASCADE"], values: [] });
});
