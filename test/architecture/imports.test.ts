import path from "node:path";
import { expect, test } from "vitest";
import { files, textOf } from "./product-files.ts";

const low = ["src/errors.ts", "src/number-formats.ts", "src/version.ts", "src/polling.ts"];
const database = ["src/postgres", "src/config", "src/catalog"];

/** What each room may import of the others, inwards only. A room may always import itself. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  "src/errors.ts": [],
  "src/number-formats.ts": [],
  "src/version.ts": [],
  "src/polling.ts": [],
  "src/postgres": low,
  "src/config": [...low, "src/postgres/sql.ts"],
  "src/catalog": [...low, "src/postgres", "src/config/relation-name.ts"],
  "src/steps": [...low, "src/config", "src/catalog", "src/postgres/sql.ts"],
  "src/events": [...low, "src/steps/model"],
  stages: ["src/steps", "src/config", "src/catalog", "src/postgres/sql.ts", "rollback"],
  rollback: ["src/steps", "src/postgres/sql.ts"],
  "src/plan": [...low, "src/steps", "src/config", "src/catalog", "src/postgres/sql.ts"],
  "src/report": [...low, "src/events", "src/steps/model"],
  "src/journal": [...low, "src/postgres", "src/catalog", "src/steps", "src/events"],
  "src/audit": [...low, ...database, "src/steps", "src/events"],
  // What got through is followed by its fix, which the audit knows.
  "src/verify": [...low, ...database, "src/steps", "src/journal", "src/audit", "src/events"],
  // Pure: operations read the database for it.
  "src/certificate": [...low, "src/catalog", "src/steps/model", "src/events"],
  "src/application": [...low, "src/steps/model/application.ts"],
  "src/scratch": low,
  "src/backup": [...low, "src/postgres", "src/catalog", "src/steps", "src/scratch"],
  "src/attribution": [
    ...low,
    "src/postgres",
    "src/catalog",
    "src/steps",
    "src/journal",
    "src/backup",
  ],
  "src/run": [
    ...low,
    ...database,
    "src/application",
    "src/attribution",
    "src/steps",
    "src/plan",
    "src/journal",
    "src/verify",
    "src/events",
  ],
  "src/rollback": [
    ...low,
    "src/application",
    "src/attribution",
    "src/postgres",
    "src/catalog",
    "src/steps",
    "src/journal",
    "src/run",
    "src/verify",
    "src/events",
  ],
  "src/mutation": [
    ...low,
    ...database,
    "src/steps",
    "src/journal",
    "src/verify",
    "src/audit",
    "src/demo/dialler-access.ts",
  ],
  "src/check": [
    ...low,
    ...database,
    "src/steps/model",
    "src/plan",
    "src/journal",
    "src/backup",
    "src/events",
  ],
  "src/writers": [...low, "src/postgres"],
  "src/demo": [...low, "src/postgres", "src/config", "src/verify", "src/writers"],
  "src/rehearsal": [
    ...low,
    "src/postgres",
    "src/config",
    "src/steps",
    "src/journal",
    "src/writers",
  ],
  "src/explain": [
    ...low,
    "src/postgres/sql-states.ts",
    "src/steps/model",
    "src/check",
    "src/audit",
    // The table of all settings is generated from it.
    "src/config/schema.ts",
  ],
  "src/guides": ["src/config", "src/catalog/relations.ts", "src/postgres/sql.ts", "src/steps"],
  "src/code": [...low, "src/config", "src/postgres/sql.ts", "src/events"],
  // Operations compose: they call whatever they need, but nothing that prints or asks.
  "src/operations": [
    ...low,
    ...database,
    "stages",
    "src/application",
    "src/attribution",
    "src/audit",
    "src/backup",
    "src/certificate",
    "src/check",
    "src/code",
    "src/demo",
    "src/events",
    "src/explain",
    "src/guides",
    "src/journal",
    "src/mutation",
    "src/plan",
    "src/rehearsal",
    "src/rollback",
    "src/run",
    "src/scratch",
    "src/steps",
    "src/verify",
  ],
  // The command line parses arguments, asks, and shows what operations return.
  "src/cli": [
    ...low,
    "src/operations",
    "src/events",
    "src/report",
    // What arguments and configurations are made of.
    "src/config/load.ts",
    "src/steps/model/stage.ts",
    "src/postgres/target.ts",
    "src/postgres/redaction.ts",
  ],
  "src/index.ts": ["src/operations", "src/events", "src/config", "src/errors.ts"],
  "src/eslint.ts": ["src/code", "src/config"],
  bin: ["src/cli"],
};

/** One owner each: nobody else may import the package. */
const owners: Readonly<Record<string, string>> = {
  pg: "src/postgres",
  "pg-copy-streams": "src/postgres",
  umzug: "src/run|src/rollback",
  listr2: "src/report/terminal/task-list.ts",
  "pg-dump-restore": "src/backup/programs|src/backup/dump|src/backup/restore",
  "age-encryption": "src/backup/folder/encryption.ts",
  "simple-git": "src/backup/git|src/operations/demo.ts",
  inquirer: "src/cli/terminal/prompt.ts",
  commander: "src/cli",
  "@bomb.sh/tab/commander": "src/cli/program.ts",
  typescript: "src/code",
  "libpg-query": "src/code|src/catalog/routines",
  "magic-string": "src/code/rewrite",
  diff: "src/code/rewrite",
  "node-diff3": "src/application/undo.ts",
  "write-file-atomic": "src/application/files.ts",
  tinyglobby: "src/code/reading/project.ts",
};

type Import = {
  readonly file: string;
  readonly imported: string;
  /** Types only: nothing is loaded or called by it. */
  readonly types: boolean;
};

/** Every import of a file: of values, of types, and of what is loaded when it is asked for. */
function importsOf(file: string): Import[] {
  const statements = textOf(file).matchAll(
    /^(?:import|export)( type)? [^;"]*?from "([^"]+)"|\bimport\("([^"]+)"\)/gms,
  );
  return [...statements].map(([, types, named, lazy]) => {
    const name = named ?? lazy ?? "";
    const imported = name.startsWith(".") ? path.join(path.dirname(file), name) : name;
    return { file, imported, types: types !== undefined };
  });
}

const imports = files.flatMap(importsOf);

function partOf(file: string): string {
  const parts = Object.keys(allowed).filter((part) => file === part || file.startsWith(`${part}/`));
  return parts.sort((left, right) => right.length - left.length)[0] ?? file;
}

const isOurs = ({ imported }: Import): boolean => /^(src|stages|rollback|bin)\b/.test(imported);

test("imports point inwards", () => {
  expect(imports.length).toBeGreaterThan(1_000);
  const outward = imports.filter(isOurs).filter(({ file, imported, types }) => {
    const part = partOf(file);
    // What operations return is of the types of every room; the command line may name them.
    if (part === "src/cli" && types) return false;
    const inwards = [part, ...(allowed[part] ?? [])];
    return !inwards.some((one) => imported === one || imported.startsWith(`${one}/`));
  });
  expect(outward.map(({ file, imported }) => `${file} imports ${imported}`)).toEqual([]);
});

test("no files import each other in a circle, not even for types", () => {
  expect(circlesIn(files, (file) => importsOf(file).map(({ imported }) => imported))).toEqual([]);
});

test("no rooms import each other in a circle", () => {
  const rooms = [...new Set(files.map(partOf))];
  const neighbours = (room: string) =>
    imports
      .filter(({ file, imported }) => partOf(file) === room && partOf(imported) !== room)
      .map(({ imported }) => partOf(imported));
  expect(circlesIn(rooms, neighbours)).toEqual([]);
});

/** The groups of which every member reaches every other: Tarjan's strongly connected components. */
function circlesIn(nodes: readonly string[], next: (node: string) => readonly string[]) {
  const known = new Set(nodes);
  const index = new Map<string, number>();
  const low = new Map<string, number>();
  const stack: string[] = [];
  const circles: string[][] = [];
  const visit = (node: string): void => {
    index.set(node, index.size);
    low.set(node, index.get(node) ?? 0);
    stack.push(node);
    for (const other of next(node)) {
      if (!known.has(other)) continue;
      if (!index.has(other)) visit(other);
      if (stack.includes(other))
        low.set(node, Math.min(low.get(node) ?? 0, low.get(other) ?? Number.POSITIVE_INFINITY));
    }
    if (low.get(node) !== index.get(node)) return;
    const circle = stack.splice(stack.indexOf(node));
    if (circle.length > 1) circles.push(circle.sort());
  };
  for (const node of nodes) if (!index.has(node)) visit(node);
  return circles;
}

test("every dependency with an owner is imported by its owner only", () => {
  const strays = imports.filter(({ file, imported }) => {
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
  const text = textOf(file);
  for (const [, types, name = ""] of text.matchAll(
    /^(?:import|export)( type)?[^;]*?from "([^"]+)"/gms,
  )) {
    if (types !== undefined) continue;
    loadedWith(name.startsWith(".") ? path.join(path.dirname(file), name) : name, known);
  }
  return known;
}

test("what few commands need, the others do not load: the compiler takes 80 MB and a second", () => {
  const loaded = loadedWith("src/cli/actions/verify.ts");
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

test("help and version load what reads the command line, and nothing that talks to a database", () => {
  const packages = [...loadedWith("src/cli/main.ts")].filter((name) => !name.endsWith(".ts"));
  expect(packages.filter((name) => !name.startsWith("node:")).sort()).toEqual([
    "@bomb.sh/tab/commander",
    "commander",
    "fastest-levenshtein",
    "zod",
  ]);
});

test("no file of the product has more than 300 lines", () => {
  const long = files.filter((file) => textOf(file).split("\n").length > 301);
  expect(long).toEqual([]);
});

test("no folder of the product holds more than sixteen files", () => {
  const counts = new Map<string, number>();
  for (const file of files) {
    const folder = path.dirname(file);
    counts.set(folder, (counts.get(folder) ?? 0) + 1);
  }
  expect([...counts].filter(([, count]) => count > 16)).toEqual([]);
});

test("what keeps a process alive is opened only where something closes it, and nothing ends the process", () => {
  const opened: Readonly<Record<string, readonly string[]>> = {
    "openSession(": ["src/postgres/connection.ts", "src/postgres/sessions.ts"],
    "takeLease(": ["src/journal/lease.ts"],
    "setInterval(": ["src/journal/lease.ts", "src/polling.ts", "src/report/terminal/task-list.ts"],
    // It would hide what was left open.
    "process.exit(": [],
  };
  const strays = Object.entries(opened).flatMap(([call, owned]) =>
    files
      .filter((file) => !owned.includes(file))
      .filter((file) => textOf(file).includes(call))
      .map((file) => `${file}: ${call}`),
  );
  expect(strays).toEqual([]);
});
