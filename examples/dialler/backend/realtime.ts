import type { Server } from "node:http";
import pg from "pg";
import { type WebSocket, WebSocketServer } from "ws";
import { type Claims, claimsOf } from "./tokens.ts";

/** A subscription, in the format of supabase-js. */
type Wanted = {
  readonly event: string;
  readonly schema: string;
  readonly table?: string;
  readonly filter?: string;
};

type Subscription = {
  readonly socket: WebSocket;
  readonly topic: string;
  readonly joined: string | null;
  readonly wanted: readonly Wanted[];
  claims: Claims;
};

type Change = { readonly table: string; readonly type: string; readonly id: string };

/**
 * A simple replacement of Supabase's realtime server, for changes of tables with a key `id`. As in Supabase,
 * a subscriber gets a row only if they may select it and it passes their filter.
 * @param pool of the role that requests connect with
 */
export async function startRealtime(server: Server, owner: string, pool: pg.Pool) {
  const subscriptions = new Set<Subscription>();
  const sockets = new WebSocketServer({ server, path: "/realtime/v1/websocket" });
  sockets.on("connection", (socket) => {
    socket.on("message", (data) => {
      receive(subscriptions, socket, String(data)).catch(console.error);
    });
    socket.on("close", () => {
      for (const one of subscriptions) if (one.socket === socket) subscriptions.delete(one);
    });
  });
  const listener = new pg.Client({ connectionString: owner });
  await listener.connect();
  await notifyOfChanges(listener, ["leads"]);
  listener.on("notification", ({ payload = "" }) => {
    const change: Change = JSON.parse(payload);
    for (const subscription of subscriptions) {
      tell(pool, subscription, change).catch(console.error);
    }
  });
  await listener.query("LISTEN dialler_changes");
  return async () => {
    sockets.close();
    for (const socket of sockets.clients) socket.terminate();
    await listener.end();
  };
}

async function notifyOfChanges(client: pg.Client, tables: readonly string[]): Promise<void> {
  await client.query(`
    CREATE SCHEMA IF NOT EXISTS realtime;
    CREATE OR REPLACE FUNCTION realtime.notify()
    RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
    BEGIN
      PERFORM pg_notify('dialler_changes',
                        json_build_object('table', TG_TABLE_NAME, 'type', TG_OP, 'id', NEW.id)::text);
      RETURN NULL;
    END
    $$;`);
  for (const table of tables) {
    await client.query(`
      CREATE OR REPLACE TRIGGER realtime_notify
      AFTER INSERT OR UPDATE ON public.${table}
      FOR EACH ROW
      EXECUTE FUNCTION realtime.notify()`);
  }
}

async function receive(
  subscriptions: Set<Subscription>,
  socket: WebSocket,
  text: string,
): Promise<void> {
  const [joined, reference, topic, event, payload] = JSON.parse(text);
  const reply = (response: unknown, status = "ok") =>
    socket.send(JSON.stringify([joined, reference, topic, "phx_reply", { status, response }]));
  switch (event) {
    case "phx_join": {
      const claims = await claimsOf(payload.access_token ?? "").catch(() => ({ role: "anon" }));
      const wanted: Wanted[] = payload.config?.postgres_changes ?? [];
      subscriptions.add({ socket, topic, joined, wanted, claims });
      reply({ postgres_changes: wanted.map((one, id) => ({ id: id + 1, ...one })) });
      break;
    }
    case "access_token": {
      const claims = await claimsOf(payload.access_token ?? "").catch(() => ({ role: "anon" }));
      for (const one of subscriptions) {
        if (one.socket === socket && one.topic === topic) one.claims = claims;
      }
      break;
    }
    case "phx_leave":
      for (const one of subscriptions) {
        if (one.socket === socket && one.topic === topic) subscriptions.delete(one);
      }
      reply({});
      break;
    default:
      reply({});
  }
}

/** Sends a change to a subscriber who may select the row. */
async function tell(pool: pg.Pool, subscription: Subscription, change: Change): Promise<void> {
  const { socket, topic, joined, wanted, claims } = subscription;
  const ids = wanted.flatMap(({ event, table }, index) =>
    (event === "*" || event === change.type) && (table ?? change.table) === change.table
      ? [index + 1]
      : [],
  );
  if (ids.length === 0) return;
  const record = await rowAs(pool, claims, change);
  if (record === undefined) return;
  const heard = ids.filter((id) => passes(wanted[id - 1]?.filter, record));
  if (heard.length === 0) return;
  const { table, type } = change;
  const data = { schema: "public", table, type, record, old_record: {}, columns: [], errors: null };
  socket.send(
    JSON.stringify([
      joined,
      null,
      topic,
      "postgres_changes",
      { ids: heard, data: { ...data, commit_timestamp: new Date().toISOString() } },
    ]),
  );
}

async function rowAs(
  pool: pg.Pool,
  claims: Claims,
  { table, id }: Change,
): Promise<Record<string, unknown> | undefined> {
  const client = await pool.connect();
  try {
    await client.query("BEGIN");
    await client.query(
      "SELECT set_config('request.jwt.claims', $1, true), set_config('role', $2, true)",
      [JSON.stringify(claims), claims.role],
    );
    const { rows } = await client.query(
      `SELECT to_jsonb(record) AS record FROM public.${table} AS record WHERE id = $1`,
      [id],
    );
    return rows[0]?.record;
  } finally {
    await client.query("ROLLBACK");
    client.release();
  }
}

/** `column=eq.value` */
function passes(filter: string | undefined, record: Record<string, unknown>): boolean {
  const [, column = "", value] = /^(\w+)=eq\.(.*)$/.exec(filter ?? "") ?? [];
  return value === undefined || String(record[column]) === value;
}
