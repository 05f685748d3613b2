import type { IncomingMessage, ServerResponse } from "node:http";
import type pg from "pg";
import { claimsOf, tokenFor } from "./tokens.ts";

/** A simple replacement of Supabase's auth server: every user of auth.users has the same password. */
export async function answerAuth(
  pool: pg.Pool,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = new URL(request.url ?? "", "http://localhost");
  if (url.pathname === "/auth/v1/token") {
    const body = JSON.parse(await textOf(request));
    const email = body.email ?? body.refresh_token;
    const user = await userBy(pool, "email", email);
    if (user === undefined || (body.password ?? "dialler") !== "dialler") {
      send(response, 400, { error_code: "invalid_credentials", msg: "Invalid login credentials" });
      return;
    }
    send(response, 200, {
      access_token: await tokenFor({ sub: user.id, role: "authenticated" }),
      token_type: "bearer",
      expires_in: 3600,
      expires_at: Math.floor(Date.now() / 1000) + 3600,
      refresh_token: user.email,
      user,
    });
    return;
  }
  if (url.pathname === "/auth/v1/user") {
    const token = (request.headers.authorization ?? "").replace(/^Bearer /, "");
    const claims = await claimsOf(token).catch(() => undefined);
    const user = claims?.sub === undefined ? undefined : await userBy(pool, "id", claims.sub);
    if (user === undefined) send(response, 401, { error_code: "bad_jwt", msg: "invalid token" });
    else send(response, 200, user);
    return;
  }
  // Signing out: there is nothing to revoke.
  send(response, 204, undefined);
}

async function userBy(pool: pg.Pool, column: "id" | "email", value: string) {
  const { rows } = await pool.query<{ id: string; email: string }>(
    `SELECT id::text, email FROM auth.users WHERE ${column}::text = $1`,
    [value],
  );
  const [user] = rows;
  return user && { ...user, aud: "authenticated", role: "authenticated", app_metadata: {} };
}

export async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
}

export function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(body === undefined ? "" : JSON.stringify(body));
}
