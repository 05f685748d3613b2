import type { Settings } from "../../config/settings.ts";

/** What operations on the application's code need: no database. */
export type CodeContext = {
  readonly settings: Settings;
  /** The configuration's folder. */
  readonly folder: string;
};
