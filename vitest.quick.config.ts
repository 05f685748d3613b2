import { fileURLToPath } from "node:url";
import { defineConfig, mergeConfig } from "vitest/config";
import { filesWithoutServer } from "./test/setup/needs-server.ts";
import everything from "./vitest.config.ts";

const root = fileURLToPath(new URL(".", import.meta.url));

/** The tests that need no server, for before every commit; `npm test` runs all of them. */
const config = mergeConfig(everything, defineConfig({}));

export default {
  ...config,
  test: {
    ...config.test,
    include: [...filesWithoutServer(root)],
    globalSetup: ["test/setup/build.ts"],
  },
};
