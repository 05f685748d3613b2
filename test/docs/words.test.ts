import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** Words that a DBA would have to translate in an incident, and what is written instead. */
const riddles: Readonly<Record<string, RegExp>> = {
  fix: /\bmend(s|ed|ing)?\b/i,
  "who, a role, a user": /\bwhoever\b/i,
  "because: …": /\bspeaks? against\b/i,
  "a problem": /\b(would|will|to) bite\b/i,
  "has no effect": /\bfor naught\b/i,
  skipped: /\bpassed over\b/i,
  "confirmation is required, and there is no terminal": /\bnobody is there\b/i,
  "internal error": /\bfault of its own\b/i,
  "to continue: …": /\bgoes on from here\b/i,
  "edited by hand": /\bedited by somebody\b/i,
  "saved. To restore it: …": /\bwhich row was whose is kept\b/i,
  "is not valid": /\bis none that\b/i,
};

const files = ["src", "stages", "rollback", "docs", "bin"]
  .flatMap((folder) =>
    readdirSync(path.join(root, folder), { recursive: true, encoding: "utf8" }).map((name) =>
      path.join(folder, name),
    ),
  )
  .filter((file) => /\.(ts|md)$/.test(file))
  .concat("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "backups/README.md");

test.each(Object.entries(riddles))("what people read says “%s” plainly", (_instead, riddle) => {
  expect(files.length).toBeGreaterThan(500);
  const found = files.flatMap((file) =>
    readFileSync(path.join(root, file), "utf8")
      .split("\n")
      .flatMap((line, index) =>
        riddle.test(line) ? [`${file}:${index + 1}: ${line.trim()}`] : [],
      ),
  );
  expect(found).toEqual([]);
});
