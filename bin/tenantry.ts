#!/usr/bin/env node
// First of all: a URL among the arguments may hold a password, and every user can read them.
process.title = "tenantry";

// Whoever reads may have seen enough (`| head`): what is under way goes on, and says no more.
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
  });
}

const { main } = await import("../src/cli/main.ts");
process.exitCode = await main(process.argv.slice(2));
