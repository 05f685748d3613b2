import { readFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import path from "node:path";
import { fileURLToPath } from "node:url";
import pg from "pg";
import { WebSocket } from "ws";
import { proxy, startApi } from "./api.ts";
import { answerAuth } from "./auth.ts";
import { answerFunction, loadFunctions } from "./functions.ts";
import { startRealtime } from "./realtime.ts";
import { tokenFor } from "./tokens.ts";

const folder = fileURLToPath(new URL("..", import.meta.url));
const types: Readonly<Record<string, string>> = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".css": "text/css",
};

// supabase-js needs it; Node has one since 22.
Object.assign(globalThis, { WebSocket });

const database = process.env["DATABASE_URL"];
if (database === undefined) throw new Error("DATABASE_URL says where the database is");
const asRequests = new URL(database);
asRequests.username = "authenticator";

const owner = new pg.Pool({ connectionString: database });
const requests = new pg.Pool({ connectionString: asRequests.href });
const api = await startApi(asRequests.href, folder);

const server = createServer((request, response) => {
  answer(request, response).catch((error: unknown) => {
    console.error(error);
    response.writeHead(500);
    response.end();
  });
});
const stopRealtime = await startRealtime(server, database, requests);
await new Promise<void>((done) =>
  server.listen(Number(process.env["PORT"] ?? 5180), "127.0.0.1", done),
);
const address = server.address();
const port = typeof address === "object" && address !== null ? address.port : 0;
const functions = await loadFunctions(folder, ["disposition-router", "daily-report"], {
  SUPABASE_URL: `http://127.0.0.1:${port}`,
  SUPABASE_ANON_KEY: await tokenFor({ role: "anon" }),
  SUPABASE_SERVICE_ROLE_KEY: await tokenFor({ role: "service_role" }),
});
console.log(`http://127.0.0.1:${port}`);

process.on("SIGTERM", () => {
  api.stop();
  server.close();
  void Promise.all([stopRealtime(), owner.end(), requests.end()]).then(() => process.exit(0));
});

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = request.url ?? "/";
  if (url.startsWith("/rest/v1/")) return proxy(api, request, response);
  if (url.startsWith("/auth/v1/")) return answerAuth(owner, request, response);
  if (url.startsWith("/functions/v1/")) return answerFunction(functions, request, response);
  const dist = path.join(folder, "dist");
  const file = path.join(dist, path.extname(url) === "" ? "index.html" : url);
  const isInside = !path.relative(dist, file).startsWith("..");
  const text = isInside ? await readFile(file).catch(() => undefined) : undefined;
  const type = types[path.extname(file)] ?? "text/plain";
  response.writeHead(text === undefined ? 404 : 200, { "content-type": type });
  response.end(text);
}
