#!/usr/bin/env node
import { setFlagsFromString } from "node:v8";

// First of all: a URL among the arguments may hold a password, and every user can read them.
process.title = "tenantry";

// A reader may close the pipe (`| head`): what is under way continues, without output.
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
  });
}

// V8 doubles the space for short-lived objects until it is a third of the heap, and collects garbage
// only when the heap has grown to several times what was needed. A program that mostly waits for a
// server gains nothing by that; reading an application's code does.
if (process.argv[2] !== "code") {
  setFlagsFromString("--semi-space-growth-factor=1");
  setFlagsFromString("--optimize-for-size");
}

// The client for PostgreSQL asks `navigator` where it runs. Without it, which is so before Node 21, it
// looks at `Response` instead, and that loads all of Node's HTTP client: a tenth of a second.
if (!("navigator" in globalThis)) {
  Object.defineProperty(globalThis, "navigator", {
    value: { userAgent: `Node.js/${process.versions.node.split(".")[0]}` },
    configurable: true,
  });
}

const { main } = await import("../src/cli/main.ts");
process.exitCode = await main(process.argv.slice(2));
