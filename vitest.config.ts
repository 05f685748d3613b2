import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: ["test/setup/build.ts", "test/setup/server.ts"],
    pool: "forks",
    maxWorkers: 2,
    // A busy machine is no failure.
    testTimeout: 180_000,
    hookTimeout: 240_000,
  },
});
