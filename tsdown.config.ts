import { defineConfig } from "tsdown";

const commandLine =
  /\/src\/(cli\/(commands\/.*|command|help|main|options|program|usage)|errors|postgres\/redaction|steps\/model\/(application|lanes|relation-name|stage|step)|version)\.ts$/;

export default defineConfig({
  entry: {
    "bin/tenantry": "bin/tenantry.ts",
    "src/index": "src/index.ts",
    "src/eslint": "src/eslint.ts",
  },
  format: "esm",
  platform: "node",
  target: "node20",
  dts: true,
  // What reads the command line is a file of its own: `--help` loads no client for PostgreSQL.
  outputOptions: {
    codeSplitting: {
      includeDependenciesRecursively: false,
      groups: [{ name: "command-line", test: commandLine }],
    },
  },
});
