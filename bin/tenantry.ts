#!/usr/bin/env node
// First of all: a URL among the arguments may hold a password, and every user can read them.
process.title = "tenantry";

const { main } = await import("../src/cli/main.ts");
process.exitCode = await main(process.argv.slice(2));
