import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import path from "node:path";
import { type GitView, viewOfGit } from "../../backup/git/ignore.ts";
import { type Kept, keptBackups, keptIn, keptLogs } from "../../backup/git/kept-names.ts";
import type { Check, Found } from "../check.ts";

export const gitIgnore: Check = {
  id: "git-ignore",
  title: "backups and logs that are in the repository, or that git does not ignore",
  why: "they hold rows of the database: one git add and one git push, and everyone with a clone has them",
  stops: [],
  async find({ settings, folder }) {
    const places = [
      { place: path.resolve(folder, settings.backups.folder), kept: keptBackups },
      { place: path.resolve(folder, ".tenantry"), kept: keptLogs },
    ];
    const found: Found[] = [];
    for (const { place, kept } of places) {
      // A folder that is not there is made with its .gitignore.
      if (existsSync(place)) found.push(...(await lookAt(place, kept)));
    }
    return found;
  },
};

async function lookAt(place: string, kept: readonly Kept[]): Promise<Found[]> {
  const view = await viewOfGit(place, kept);
  switch (view.kind) {
    case "outside":
      return [];
    case "unknown":
      return [
        {
          severity: "advisory",
          what: {
            object: place,
            fact: `whether git ignores it could not be asked: ${view.reason}`,
          },
          fix: "fix what git says, or keep it out of the repository by hand",
        },
      ];
    case "in a work tree":
      return [...tracked(place, view), ...(await unignored(place, kept, view))];
    default:
      return view satisfies never;
  }
}

type InWorkTree = Extract<GitView, { readonly kind: "in a work tree" }>;

function tracked(place: string, { folder, tracked: files }: InWorkTree): Found[] {
  if (files.length === 0) return [];
  const names = [...new Set(files.map((file) => file.split("/")[0] ?? file))];
  const count = files.length === 1 ? "1 file" : `${files.length} files`;
  return [
    {
      severity: "advisory",
      what: {
        object: place,
        fact: `git tracks ${count} of ours in it: ${files[0]}${files.length > 1 ? " and others" : ""}`,
      },
      why: "rows of the database are in the repository, and go to everyone who clones it",
      fix: `git -C ${shell(folder)} rm -r --cached --quiet -- ${names.map(shell).join(" ")}, and git commit; they stay in the history until that is rewritten`,
    },
  ];
}

/** Where nothing of ours is there yet, the first that comes brings its `.gitignore`. */
async function unignored(
  place: string,
  kept: readonly Kept[],
  { folder, missing }: InWorkTree,
): Promise<Found[]> {
  const ours = (await readdir(folder)).filter((name) => keptIn(kept, name));
  if (missing.length === 0 || ours.length === 0) return [];
  return [
    {
      severity: "advisory",
      what: { object: place, fact: `git does not ignore ${ours.join(", ")}` },
      fix: `printf '%s\\n' '' ${missing.map(shell).join(" ")} >>${shell(path.join(folder, ".gitignore"))}`,
    },
  ];
}

/** A word as a shell takes it. */
function shell(word: string): string {
  return /^[\w./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
