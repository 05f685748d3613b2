import path from "node:path";
import { openRepository } from "../../backup/git/repository.ts";
import { refuseUntaggable, whyNoTag } from "../../backup/git/tag.ts";
import type { Check } from "../check.ts";

export const repository: Check = {
  id: "repository",
  title: "the application's repository: there, and all of it committed",
  why: "the tag before a stage says which code the database went with, and holds what is committed",
  stops: [],
  async find({ settings, stages, folder }) {
    const { ifTagExists, required } = settings.git;
    const place = path.resolve(folder, settings.git.repository);
    for (const { name } of stages) {
      await refuseUntaggable({ folder: place, stage: name, ifTagExists, required });
    }
    const found = await openRepository(place);
    if (found.kind !== "repository") {
      return [
        {
          severity: "advisory",
          what: { object: place, fact: `no tag is made: ${whyNoTag(found)}` },
          fix: "name the application's repository in the configuration's git.repository",
        },
      ];
    }
    if (found.tree.kind !== "changed") return [];
    const { files } = found.tree;
    return [
      {
        severity: "advisory",
        what: {
          object: place,
          fact: `${files} ${files === 1 ? "file is" : "files are"} not committed`,
        },
        fix: "git add and git commit what belongs to the application as it runs now",
      },
    ];
  },
};
