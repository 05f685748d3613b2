import { once } from "node:events";
import { appendFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { main } from "../../src/cli/main.ts";
import { isTimed, lineOf, stopSchema } from "./statement-stops.ts";

/**
 * Runs the command line, and is stopped on its way: killed (SIGKILL, by itself) at the very event of the
 * number given, or stopped at a statement, as `TENANTRY_TEST_STOP` says. Nothing behind is ever reached.
 * Events that time alone decides over do not count.
 */
const [killAt, ...argv] = process.argv.slice(2);
const write = process.stdout.write.bind(process.stdout);
let events = 0;
process.stdout.write = ((chunk: string) => {
  const written = write(chunk);
  // How often these come is a matter of time.
  if (!/"kind":"(backup-progress|step-waiting)"/.test(chunk)) events += 1;
  if (events === Number(killAt)) process.kill(process.pid, "SIGKILL");
  return written;
}) as typeof process.stdout.write;

const stop = stopSchema.parse(JSON.parse(process.env["TENANTRY_TEST_STOP"] ?? "null"));
const trace = process.env["TENANTRY_TEST_TRACE"];
let statements = 0;

/** Kills this process, or asks the parent what is next, and waits for its answer. */
async function halt(how: "kill" | "ask", text: string): Promise<void> {
  if (how === "kill") {
    process.kill(process.pid, "SIGKILL");
    await sleep(60_000);
  }
  // The parent does what it wants meanwhile; renewals of the lease go on.
  process.send?.({ text });
  process.channel?.ref();
  await once(process, "message");
  process.channel?.unref();
}

type Query = (...args: unknown[]) => unknown;
const query: Query = Reflect.get(pg.Client.prototype, "query");

function stopped(this: pg.Client, ...args: unknown[]): unknown {
  const [first] = args;
  const text = lineOf(first);
  // COPY is sent at once: only promises can be held back.
  const promised = typeof first === "string" || !(first instanceof Object && "submit" in first);
  if (!promised || isTimed(text)) return query.apply(this, args);
  statements += 1;
  if (trace !== undefined) appendFileSync(trace, `${text}\n`);
  if (stop === null || statements !== stop.at) return query.apply(this, args);
  if (stop.phase === "before") {
    return halt(stop.how, text).then(() => query.apply(this, args));
  }
  const sent = query.apply(this, args);
  // The statement is on its way to the server before the fault.
  return Promise.all([sent, sleep(1).then(() => halt(stop.how, text))]).then(([result]) => result);
}
if (stop !== null || trace !== undefined) {
  Object.defineProperty(pg.Client.prototype, "query", { value: stopped });
}
process.channel?.unref();

process.exitCode = await main(argv);
