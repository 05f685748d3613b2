import path from "node:path";
import { openRepository } from "../../backup/git/repository.ts";
import { refuseUntaggable, whyNoTag } from "../../backup/git/tag.ts";
import type { PreflightCheck } from "../check.ts";

export const repository: PreflightCheck = {
  id: "repository",
  title: "the application's git repository: it exists, and everything is committed",
  why: "the tag before a stage marks the code that belongs to the database, and contains committed files only",
  stops: [],
  async find({ settings, stages, folder }) {
    const { ifTagExists, required } = settings.git;
    const repositoryFolder = path.resolve(folder, settings.git.repository);
    for (const { name } of stages) {
      await refuseUntaggable({ folder: repositoryFolder, stage: name, ifTagExists, required });
    }
    const found = await openRepository(repositoryFolder);
    if (found.kind !== "repository") {
      return [
        {
          severity: "advisory",
          what: { object: repositoryFolder, fact: `no tag will be created: ${whyNoTag(found)}` },
          fix: "set git.repository in the configuration to the application's repository",
        },
      ];
    }
    if (found.tree.kind !== "changed") return [];
    const { files } = found.tree;
    return [
      {
        severity: "advisory",
        what: {
          object: repositoryFolder,
          fact: `${files} uncommitted ${files === 1 ? "file" : "files"}`,
        },
        fix: "commit the files of the application as it runs now (git add, git commit)",
      },
    ];
  },
};
