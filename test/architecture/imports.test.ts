import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** What each part may import of the others, inwards only. A part may always import itself. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  "src/errors.ts": [],
  "src/version.ts": [],
  "src/repeatedly.ts": [],
  "src/postgres": ["src/errors.ts"],
  "src/config": ["src/errors.ts", "src/postgres/sql.ts"],
  "src/catalog": ["src/postgres"],
  "src/steps": ["src/config", "src/catalog", "src/postgres/sql.ts"],
  stages: ["src/steps", "src/config", "src/catalog", "src/postgres/sql.ts", "rollback"],
  rollback: ["src/steps", "src/postgres/sql.ts"],
  "src/plan": ["src/steps", "src/config", "src/catalog", "src/postgres/sql.ts"],
  "src/report": ["src/steps"],
  "src/journal": [
    "src/errors.ts",
    "src/postgres",
    "src/catalog",
    "src/steps",
    "src/report/events.ts",
  ],
  "src/verify": [
    "src/errors.ts",
    "src/postgres",
    "src/config",
    "src/catalog",
    "src/steps",
    "src/journal",
    // What got through is followed by what mends it.
    "src/audit",
    "src/report/events.ts",
  ],
  "src/run": [
    "src/application",
    "src/attribution",
    "src/errors.ts",
    "src/repeatedly.ts",
    "src/version.ts",
    "src/postgres",
    "src/config",
    "src/catalog",
    "src/steps",
    "src/plan",
    "src/journal",
    "src/verify",
    "src/report/events.ts",
  ],
  "src/application": ["src/errors.ts", "src/steps/application.ts"],
  "src/rollback": [
    "src/application",
    "src/attribution",
    "src/errors.ts",
    "src/postgres",
    "src/catalog",
    "src/steps",
    "src/journal",
    "src/run",
    "src/verify",
    "src/report/events.ts",
  ],
  "src/scratch": ["src/errors.ts"],
  "src/backup": [
    "src/errors.ts",
    "src/repeatedly.ts",
    "src/version.ts",
    "src/postgres",
    "src/catalog",
    "src/steps",
    "src/scratch",
    "src/report/units.ts",
  ],
  "src/audit": ["src/errors.ts", "src/postgres", "src/config", "src/catalog", "src/steps"],
  "src/mutation": [
    "src/postgres",
    "src/config",
    "src/catalog",
    "src/steps",
    "src/journal",
    "src/verify",
    "src/audit",
    "src/demo/dialler-access.ts",
  ],
  "src/attribution": [
    "src/errors.ts",
    "src/postgres",
    "src/catalog",
    "src/steps",
    "src/journal",
    "src/backup",
  ],
  "src/check": [
    "src/errors.ts",
    "src/postgres",
    "src/config",
    "src/catalog",
    "src/steps/stage.ts",
    "src/plan",
    "src/journal",
    "src/backup",
    "src/report/units.ts",
  ],
  "src/writers": ["src/postgres"],
  "src/demo": ["src/errors.ts", "src/postgres", "src/config", "src/verify", "src/writers"],
  "src/rehearsal": [
    "src/errors.ts",
    "src/postgres",
    "src/config",
    "src/steps",
    "src/journal",
    "src/writers",
  ],
  "src/explain": [
    "src/errors.ts",
    "src/postgres/sql-states.ts",
    "src/steps/stage.ts",
    "src/check",
    "src/audit",
  ],
  "src/guides": ["src/config", "src/catalog/relations.ts", "src/postgres/sql.ts", "src/steps"],
  "src/code": ["src/errors.ts", "src/config", "src/postgres/sql.ts"],
  "src/index.ts": ["src/config"],
  "src/eslint.ts": ["src/code", "src/config"],
  bin: ["src/cli"],
};

/** One owner each: nobody else may import the package. */
const owners: Readonly<Record<string, string>> = {
  pg: "src/postgres",
  "pg-copy-streams": "src/postgres",
  umzug: "src/run|src/rollback",
  listr2: "src/report",
  "pg-dump-restore": "src/backup",
  "age-encryption": "src/backup/encryption.ts",
  "simple-git": "src/backup|src/cli/demo.ts",
  inquirer: "src/cli/prompt.ts",
  commander: "src/cli",
  "@bomb.sh/tab/commander": "src/cli/program.ts",
  typescript: "src/code",
  "libpg-query": "src/code",
  "magic-string": "src/code/rewrite",
  diff: "src/code/rewrite",
  "node-diff3": "src/application/undo.ts",
  "write-file-atomic": "src/application/files.ts",
  tinyglobby: "src/code/project.ts",
};

type Import = { readonly file: string; readonly imported: string };

function imports(): Import[] {
  const files = ["src", "stages", "rollback", "bin"].flatMap((folder) =>
    readdirSync(path.join(root, folder), { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".ts"))
      .map((name) => path.join(folder, name)),
  );
  return files.flatMap((file) =>
    [...readFileSync(path.join(root, file), "utf8").matchAll(/(?:from|import)\s+"([^"]+)"/g)].map(
      ([, name = ""]) => ({
        file,
        imported: name.startsWith(".") ? path.join(path.dirname(file), name) : name,
      }),
    ),
  );
}

function partOf(file: string): string {
  const parts = Object.keys(allowed).filter((part) => file === part || file.startsWith(`${part}/`));
  return parts.sort((left, right) => right.length - left.length)[0] ?? file;
}

test("imports point inwards", () => {
  expect(imports().length).toBeGreaterThan(150);
  const outward = imports()
    .filter(({ imported }) => /^(src|stages|rollback|bin)\b/.test(imported))
    .filter(({ file }) => !file.startsWith("src/cli/"))
    .filter(({ file, imported }) => {
      const part = partOf(file);
      const inwards = [part, ...(allowed[part] ?? [])];
      return !inwards.some((one) => imported === one || imported.startsWith(`${one}/`));
    });
  expect(outward).toEqual([]);
});

test("every dependency with an owner is imported by its owner only", () => {
  const strays = imports().filter(({ file, imported }) => {
    const owner = owners[imported];
    return owner !== undefined && !owner.split("|").some((one) => file.startsWith(one));
  });
  expect(strays).toEqual([]);
});

/** What is loaded with a file at once, and not only when it is asked for. */
function loadedWith(file: string, known = new Set<string>()): Set<string> {
  if (known.has(file)) return known;
  known.add(file);
  if (!file.endsWith(".ts")) return known;
  const text = readFileSync(path.join(root, file), "utf8");
  for (const [, types, name = ""] of text.matchAll(
    /^(?:import|export)( type)?[^;]*?from "([^"]+)"/gms,
  )) {
    if (types !== undefined) continue;
    loadedWith(name.startsWith(".") ? path.join(path.dirname(file), name) : name, known);
  }
  return known;
}

test("what few commands need, the others do not load: the compiler takes 80 MB and a second", () => {
  const loaded = loadedWith("src/cli/main.ts");
  expect(loaded.size).toBeGreaterThan(150);
  const lazy = [
    "typescript",
    "libpg-query",
    "inquirer",
    "magic-string",
    "jiti",
    "yaml",
    "age-encryption",
  ];
  expect(lazy.filter((name) => loaded.has(name))).toEqual([]);
});

test("no file of the product has more than 300 lines", () => {
  const long = [...new Set(imports().map(({ file }) => file))].filter(
    (file) => readFileSync(path.join(root, file), "utf8").split("\n").length > 301,
  );
  expect(long).toEqual([]);
});

test("what keeps a process alive is opened only where something closes it, and nothing ends the process", () => {
  const opened: Readonly<Record<string, readonly string[]>> = {
    "openSession(": ["src/postgres/connection.ts", "src/postgres/sessions.ts"],
    "takeLease(": ["src/journal/lease.ts"],
    "setInterval(": ["src/journal/lease.ts", "src/repeatedly.ts", "src/report/live.ts"],
    // It would hide what was left open.
    "process.exit(": [],
  };
  const files = [...new Set(imports().map(({ file }) => file))];
  const strays = Object.entries(opened).flatMap(([call, owned]) =>
    files
      .filter((file) => !owned.includes(file))
      .filter((file) => readFileSync(path.join(root, file), "utf8").includes(call))
      .map((file) => `${file}: ${call}`),
  );
  expect(strays).toEqual([]);
});
