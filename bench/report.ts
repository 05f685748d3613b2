import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { formatTable } from "../src/report/table.ts";

/** What one bench measured. */
export type Report = {
  readonly name: string;
  readonly machine: string;
  readonly about: string;
  readonly head: readonly string[];
  readonly lines: readonly (readonly (string | number)[])[];
};

/** A table for people, and a JSON file beside the bench, ignored by git. */
export async function say(report: Report): Promise<void> {
  const { head, lines, about, machine } = report;
  const numbers = head.map((_, index) => index).slice(1);
  const table = formatTable(
    head,
    lines.map((line) => line.map(String)),
    numbers,
  );
  process.stdout.write(`\n${about}\n${machine}\n\n${table}\n`);
  const folder = path.join(import.meta.dirname, "results");
  await mkdir(folder, { recursive: true });
  await writeFile(
    path.join(folder, `${report.name}.json`),
    `${JSON.stringify(report, undefined, 2)}\n`,
  );
}
