import { defineConfig } from "tsdown";

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
});
