import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

export default defineConfig({
  // The examples import the program as its users do.
  resolve: { alias: { tenantry: fileURLToPath(new URL("src/index.ts", import.meta.url)) } },
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: ["test/setup/build.ts", "test/setup/server.ts"],
    pool: "forks",
    maxWorkers: 3,
    // A busy machine is no failure.
    testTimeout: 180_000,
    hookTimeout: 240_000,
  },
});
