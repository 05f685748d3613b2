import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { z } from "zod";
import { formatTable } from "../src/report/terminal/table.ts";
import { drawBars, drawLines } from "./plot.ts";

const cellSchema = z.union([
  z.string(),
  /** A number as it was measured, and as people read it; with the spread of the runs, where several. */
  z.object({ value: z.number(), text: z.string() }),
]);

/** A cell of a report's table. */
export type Cell = z.output<typeof cellSchema>;

const plot = { file: z.string(), title: z.string(), unit: z.string() };

const plotSchema = z.union([
  /** One bar each. */
  z.object({ ...plot, bars: z.array(z.object({ name: z.string(), value: z.number() })) }),
  z.object({
    ...plot,
    along: z.string(),
    lines: z.array(
      z.object({ name: z.string(), points: z.array(z.tuple([z.number(), z.number()])) }),
    ),
  }),
]);

export const reportSchema = z.object({
  name: z.string(),
  /** The command that measured it. */
  command: z.string(),
  machine: z.string(),
  about: z.string(),
  head: z.array(z.string()),
  lines: z.array(z.array(cellSchema)),
  plots: z.array(plotSchema),
});

/** What one bench measured. */
export type Report = z.output<typeof reportSchema>;

const results = path.join(import.meta.dirname, "results");
const docs = path.join(import.meta.dirname, "..", "docs");

function textOf(cell: Cell): string {
  return typeof cell === "string" ? cell : cell.text;
}

/** A table for people, and a JSON file beside the bench, ignored by git. */
export async function say(report: Report): Promise<void> {
  const { head, lines, about, machine } = report;
  const numbers = head.map((_, index) => index).slice(1);
  const table = formatTable(
    head,
    lines.map((line) => line.map(textOf)),
    numbers,
  );
  process.stdout.write(`\n${about}\n${machine}\n\n${table}\n`);
  await mkdir(results, { recursive: true });
  await writeFile(
    path.join(results, `${report.name}.json`),
    `${JSON.stringify(report, undefined, 2)}\n`,
  );
}

/**
 * Writes the tables and plots of docs/performance.md from what was measured last, between the comments
 * that name a bench: no number of the page is typed. A bench that was not run here keeps its section.
 */
export async function writePage(): Promise<void> {
  const file = path.join(docs, "performance.md");
  const page = await readFile(file, "utf8");
  const names = [...page.matchAll(/^<!-- ([\w-]+) -->$/gm)].map(([, name = ""]) => name);
  let written = page;
  for (const name of names) {
    const result = path.join(results, `${name}.json`);
    if (!existsSync(result)) continue;
    const text = await readFile(result, "utf8");
    const report = reportSchema.parse(JSON.parse(text));
    for (const plot of report.plots) {
      await mkdir(path.join(docs, "plots"), { recursive: true });
      const drawn = "bars" in plot ? drawBars(plot) : drawLines(plot);
      await writeFile(path.join(docs, "plots", plot.file), drawn);
    }
    written = withSection(written, report);
  }
  await writeFile(file, written);
}

/** A page with the section of one bench written anew. */
export function withSection(page: string, report: Report): string {
  const { name, command, machine, about, head, lines, plots } = report;
  const row = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  const table = [
    row(head),
    row(head.map((_, index) => (index === 0 ? "---" : "---:"))),
    ...lines.map((line) => row(line.map(textOf))),
  ].join("\n");
  const pictures = plots.map(({ file, title }) => `![${title}](plots/${file})`).join("\n\n");
  const text = [`\`${command}\`: ${about}`, table, pictures, `_${machine}_`]
    .filter((part) => part !== "")
    .join("\n\n");
  const section = new RegExp(`(<!-- ${name} -->)[\\s\\S]*?(<!-- /${name} -->)`);
  if (!section.test(page)) throw new Error(`the page has no section ${name}`);
  return page.replace(section, (_, begin: string, end: string) => `${begin}\n\n${text}\n\n${end}`);
}
