import path from "node:path";
import { attributionSuffix, parts } from "../folder/layout.ts";
import { partialSuffix } from "../folder/manifest.ts";

/** One kind of file that Tenantry writes into a folder, and that git must ignore. */
export type Kept = {
  /** The pattern for that folder's `.gitignore`. */
  readonly pattern: string;
  /** Whether a path in the folder is of this kind. */
  readonly matches: RegExp;
  /** Example paths, for git check-ignore. */
  readonly examples: readonly string[];
};

const time = "20260102T030405Z";
const anyTime = "????????T??????Z";

const files = [
  "manifest.json",
  "rollback.sql",
  path.join(parts.dump, "toc.dat"),
  path.join(parts.dump, "1.dat.gz"),
  parts.encryptedDump,
  parts.globals,
  parts.globalsScript,
  parts.fingerprint,
];

const attribution = [
  "manifest.json",
  "organizations.copy.gz",
  "memberships.copy.gz",
  path.join("rows", "1.copy.gz"),
];

const inside = (folder: string, names: readonly string[]) =>
  [folder, `${folder}${partialSuffix}`].flatMap((name) =>
    names.map((file) => path.join(name, file)),
  );

const stages = ["day1", "day2", "day3"];

/** What Tenantry writes into the folder of backups: backups, row ownership saved by rollbacks, rehearsals. */
export const keptBackups: readonly Kept[] = [
  {
    pattern: `/day?-${anyTime}*`,
    matches: /^day\d-\d{8}T\d{6}Z/,
    examples: stages.flatMap((stage) => [
      ...inside(`${stage}-${time}`, files),
      ...inside(`${stage}-${time}${attributionSuffix}`, attribution),
    ]),
  },
  {
    pattern: `/manual-${anyTime}*`,
    matches: /^manual-\d{8}T\d{6}Z/,
    examples: inside(`manual-${time}`, files),
  },
  {
    pattern: `/later*-${anyTime}*`,
    matches: /^later\d+-\d{8}T\d{6}Z/,
    examples: [
      ...inside(`later1-${time}`, files),
      ...inside(`later12-${time}${attributionSuffix}`, attribution),
    ],
  },
  {
    pattern: `/rehearsal-${anyTime}.json`,
    matches: /^rehearsal-\d{8}T\d{6}Z\.json$/,
    examples: [`rehearsal-${time}.json`],
  },
];

/** What Tenantry writes into `.tenantry`. */
export const keptLogs: readonly Kept[] = [
  {
    pattern: "/logs/",
    matches: /^logs(\/|$)/,
    examples: ["logs/20260102T030405.678Z-run.jsonl"],
  },
];

/** Whether a path in a folder is of one of these kinds. */
export function keptIn(kept: readonly Kept[], file: string): boolean {
  return kept.some(({ matches }) => matches.test(file));
}
