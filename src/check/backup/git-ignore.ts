import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import path from "node:path";
import { type GitView, viewOfGit } from "../../backup/git/ignore.ts";
import { type Kept, keptBackups, keptIn, keptLogs } from "../../backup/git/kept-names.ts";
import type { Found, PreflightCheck } from "../check.ts";

export const gitIgnore: PreflightCheck = {
  id: "git-ignore",
  title: "backups and logs that git tracks or does not ignore",
  why: "they contain rows of the database: after git add and git push, every clone has them",
  stops: [],
  async find({ settings, folder }) {
    const folders = [
      { looked: path.resolve(folder, settings.backups.folder), kept: keptBackups },
      { looked: path.resolve(folder, ".tenantry"), kept: keptLogs },
    ];
    const found: Found[] = [];
    for (const { looked, kept } of folders) {
      // A folder that does not exist is created with a .gitignore.
      if (existsSync(looked)) found.push(...(await gitFindings(looked, kept)));
    }
    return found;
  },
};

async function gitFindings(looked: string, kept: readonly Kept[]): Promise<Found[]> {
  const view = await viewOfGit(looked, kept);
  switch (view.kind) {
    case "outside":
      return [];
    case "unknown":
      return [
        {
          severity: "advisory",
          what: {
            object: looked,
            fact: `git could not tell whether it is ignored: ${view.reason}`,
          },
          fix: "fix the problem that git reports, or keep the folder out of the repository by hand",
        },
      ];
    case "in a work tree":
      return [...tracked(looked, view), ...(await unignored(looked, kept, view))];
    default:
      return view satisfies never;
  }
}

type InWorkTree = Extract<GitView, { readonly kind: "in a work tree" }>;

function tracked(looked: string, { folder, tracked: files }: InWorkTree): Found[] {
  if (files.length === 0) return [];
  const names = [...new Set(files.map((file) => file.split("/")[0] ?? file))];
  const count = files.length === 1 ? "1 file" : `${files.length} files`;
  return [
    {
      severity: "advisory",
      what: {
        object: looked,
        fact: `git tracks ${count} of Tenantry in it: ${files[0]}${files.length > 1 ? " and others" : ""}`,
      },
      why: "rows of the database are in the repository, and in every clone of it",
      fix: `git -C ${shell(folder)} rm -r --cached --quiet -- ${names.map(shell).join(" ")}, and git commit; the history keeps them until it is rewritten`,
    },
  ];
}

/** A folder without backups or logs gets its `.gitignore` with the first of them. */
async function unignored(
  looked: string,
  kept: readonly Kept[],
  { folder, missing }: InWorkTree,
): Promise<Found[]> {
  const ours = (await readdir(folder)).filter((name) => keptIn(kept, name));
  if (missing.length === 0 || ours.length === 0) return [];
  return [
    {
      severity: "advisory",
      what: { object: looked, fact: `git does not ignore ${ours.join(", ")}` },
      fix: `printf '%s\\n' '' ${missing.map(shell).join(" ")} >>${shell(path.join(folder, ".gitignore"))}`,
    },
  ];
}

/** A word, quoted for a shell if necessary. */
function shell(word: string): string {
  return /^[\w./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
