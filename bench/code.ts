import { existsSync } from "node:fs";
import { mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { z } from "zod";
import { formatBytes } from "../src/number-formats.ts";
import { type Shape, writeApplication } from "./application.ts";
import { middleOf } from "./measure.ts";
import { watchMemory } from "./memory.ts";
import type { Cell, Report } from "./report.ts";
import { describeProcessor } from "./setup.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const program = path.join(root, "dist", "bin", "tenantry.mjs");
const exampleModules = path.join(root, "examples", "dialler", "node_modules");

const countsSchema = z.looseObject({
  files: z.number(),
  chains: z.number(),
  fenced: z.number(),
});

/** The proportions of a real application: 289 and 63 files, with 503 and 803 query chains. */
function shapeOf(files: number): Shape {
  const app = Math.round((files * 289) / 352);
  return {
    app: { files: app, chains: Math.round((app * 503) / 289) },
    functions: { files: files - app, chains: Math.round(((files - app) * 803) / 63) },
  };
}

type Ran = { readonly seconds: number; readonly bytes: number | undefined };

/** Time and memory of reading and rewriting an application, measured on the whole command. */
export async function benchCode(files: number, runs: number): Promise<Report> {
  await execa("npm", ["run", "build"], { cwd: root });
  if (!existsSync(path.join(exampleModules, "@supabase")))
    await execa("npm", ["ci"], { cwd: path.dirname(exampleModules) });
  const folder = await mkdtemp(path.join(tmpdir(), "tenantry-bench-code-"));
  try {
    const shape = shapeOf(files);
    await writeApplication(folder, shape);
    await symlink(exampleModules, path.join(folder, "node_modules"));
    const counts = await countsOf(folder);
    const lines: Cell[][] = [];
    for (const [name, args] of [
      ["code list", ["code", "list", "--json"]],
      ["code check", ["code", "check", "--json"]],
      ["code rewrite", ["code", "rewrite", "--json"]],
    ] as const) {
      const ran: Ran[] = [];
      for (let run = 0; run < runs; run += 1) ran.push(await runOnce(folder, args));
      lines.push([
        `tenantry ${name}`,
        middleOf(
          ran.map(({ seconds }) => seconds),
          (value) => `${value.toFixed(1)} s`,
        ),
        middleOf(
          ran.map(({ bytes }) => bytes),
          formatBytes,
        ),
      ]);
    }
    return {
      name: "code",
      command: `npm run bench -- code --files ${files} --runs ${runs}`,
      machine: describeProcessor(),
      about: `${counts.files} files with ${counts.chains} queries (${shape.app.files} of src with ${shape.app.chains}, ${shape.functions.files} edge functions with ${shape.functions.chains}), on supabase-js with the database's types; each is the whole command, medians of ${runs} with the least and the most.`,
      head: ["", "time", "memory"],
      lines,
      plots: [],
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function runOnce(folder: string, args: readonly string[]): Promise<Ran> {
  const started = performance.now();
  const child = execa(process.execPath, [program, ...args], {
    cwd: folder,
    env: { NO_COLOR: "1" },
    reject: false,
  });
  const memory = watchMemory(child.pid);
  const { exitCode, stderr } = await child;
  const bytes = memory.stop();
  // Exit code 3 means that there are findings, which is expected here.
  if (exitCode !== 0 && exitCode !== 3) throw new Error(`${args.join(" ")}: ${stderr}`);
  return { seconds: (performance.now() - started) / 1000, bytes };
}

async function countsOf(folder: string) {
  const { stdout } = await execa(process.execPath, [program, "code", "check", "--json"], {
    cwd: folder,
    reject: false,
  });
  const line = stdout.split("\n").find((one) => one.includes('"code-check"'));
  return countsSchema.parse(JSON.parse(line ?? "{}"));
}
