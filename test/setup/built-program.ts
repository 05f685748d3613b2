import { fileURLToPath } from "node:url";

/** Where the program is built for the tests, beside what is shipped: it starts in a third of the time. */
export const builtFolder = fileURLToPath(new URL("../../.test-build", import.meta.url));

const built = (file: string) =>
  fileURLToPath(new URL(`../../.test-build/${file}`, import.meta.url));

/** The program, as it is built to be shipped. */
export const program = built("bin/tenantry.mjs");

/** The same, killed by itself at the event of a number, or stopped at a statement. */
export const killedProgram = built("test/setup/stopped-program.mjs");
