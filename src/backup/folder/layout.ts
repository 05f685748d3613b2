import path from "node:path";

/** Where the parts of a backup are, in its folder. */
export const parts = {
  /** Everything that may be encrypted. */
  content: "content",
  dump: path.join("content", "dump"),
  globals: path.join("content", "globals.json"),
  globalsScript: path.join("content", "globals.sql"),
  fingerprint: path.join("content", "fingerprint.json"),
} as const;

/** What the name of a folder ends in that holds what a rollback kept, and is no backup. */
export const attributionSuffix = "-attribution";
