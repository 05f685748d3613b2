export { type Config, defineConfig } from "./config/schema.ts";
