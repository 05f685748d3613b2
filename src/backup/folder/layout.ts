import path from "node:path";

/** The paths of a backup's parts in its folder. */
export const parts = {
  /** Everything that may be encrypted. */
  content: "content",
  dump: path.join("content", "dump"),
  /** The dump of an encrypted backup: one file. */
  encryptedDump: path.join("content", "dump.age"),
  globals: path.join("content", "globals.json"),
  globalsScript: path.join("content", "globals.sql"),
  fingerprint: path.join("content", "fingerprint.json"),
} as const;

/** The end of the name of a folder in which a rollback saved row ownership; it is not a backup. */
export const attributionSuffix = "-attribution";
