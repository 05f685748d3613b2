import { main } from "../../src/cli/main.ts";

/**
 * Runs the command line, and is killed (SIGKILL, by itself) at the very event of the number given:
 * nothing that comes behind the event is ever reached. Events that time alone decides over do not count.
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

process.exitCode = await main(argv);
