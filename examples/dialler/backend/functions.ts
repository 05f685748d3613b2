import type { IncomingMessage, ServerResponse } from "node:http";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { textOf } from "./auth.ts";

type Handler = (request: Request) => Response | Promise<Response>;

/** Runs edge functions that are written for Deno, with the part of its API that they use. */
export async function loadFunctions(
  folder: string,
  names: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<ReadonlyMap<string, Handler>> {
  const handlers = new Map<string, Handler>();
  for (const name of names) {
    Object.assign(globalThis, {
      Deno: {
        env: { get: (key: string) => environment[key] },
        serve: (handler: Handler) => handlers.set(name, handler),
      },
    });
    await import(pathToFileURL(path.join(folder, "supabase/functions", name, "index.ts")).href);
  }
  return handlers;
}

/** Answers a request with the function of its path. */
export async function answerFunction(
  handlers: ReadonlyMap<string, Handler>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const name = (request.url ?? "").split(/[/?]/)[3] ?? "";
  const handler = handlers.get(name);
  if (handler === undefined) {
    response.writeHead(404);
    response.end("no such function");
    return;
  }
  const headers = new Headers();
  for (const [key, value] of Object.entries(request.headers)) {
    if (typeof value === "string") headers.set(key, value);
  }
  const method = request.method ?? "GET";
  const body = method === "GET" || method === "HEAD" ? null : await textOf(request);
  const answer = await handler(
    new Request(`http://localhost${request.url}`, { method, headers, body }),
  );
  response.writeHead(answer.status, Object.fromEntries(answer.headers));
  response.end(await answer.text());
}
