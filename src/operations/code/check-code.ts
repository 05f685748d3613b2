import path from "node:path";
import { stateOf } from "../../code/fence/fence.ts";
import { type Inventory, takeInventory } from "../../code/queries/inventory.ts";
import { type InventoryRow, inventoryRows } from "../../code/queries/rows.ts";
import { openProject } from "../../code/reading/project.ts";
import { rules } from "../../code/rules.ts";
import { annotationRules, describe, violationsOf } from "../../code/violations.ts";
import { AppError } from "../../errors.ts";
import type { Finding } from "../../events/finding.ts";
import { counted } from "../../number-formats.ts";
import type { CodeContext } from "./context.ts";
import { type CodeFinding, codeFinding } from "./findings.ts";

export type CodeInventory = {
  /** Files that were read. */
  readonly files: number;
  /** The folder that their names start from. */
  readonly folder: string;
  readonly entries: readonly (InventoryRow & {
    /** A short description: `select leads`. */
    readonly summary: string;
  })[];
  readonly annotations: readonly {
    readonly file: string;
    readonly line: number;
    readonly reason: string | null;
  }[];
};

export type CodeCheck = {
  readonly files: number;
  readonly folder: string;
  readonly findings: readonly CodeFinding[];
  /** Query chains, and how many of them are fenced. */
  readonly chains: number;
  readonly fenced: number;
  /** Undefined where no rule finds an error. */
  readonly failure: AppError | undefined;
};

/** The rules for code without their functions, for lists of rules. */
export const codeRules = [...rules, ...annotationRules].map(({ id, title, why, level }) => ({
  id,
  title,
  why,
  level,
}));

/** Lists every query, and every other place where the code reads or writes tenants' data. */
export function listCode(context: CodeContext): CodeInventory {
  const inventory = readInventory(context);
  const rows = inventoryRows(inventory);
  return {
    files: inventory.project.files.length,
    folder: inventory.project.folder,
    entries: inventory.entries.flatMap((entry, index) => {
      const row = rows[index];
      return row === undefined ? [] : [{ ...row, summary: describe(entry) }];
    }),
    annotations: inventory.annotations.map(({ file, line, reason }) => ({
      file,
      line,
      reason: reason ?? null,
    })),
  };
}

/** Checks every query of the application against the rules. */
export function checkCode(context: CodeContext): CodeCheck {
  const inventory = readInventory(context);
  const { folder } = inventory.project;
  const findings = violationsOf(inventory).map(codeFinding);
  const chains = inventory.entries.filter((entry) => entry.kind === "chain");
  return {
    files: inventory.project.files.length,
    folder,
    findings,
    chains: chains.length,
    fenced: chains.filter((chain) => stateOf(chain, inventory) === "fenced").length,
    failure: findings.some(({ severity }) => severity === "error")
      ? unfenced(folder, findings)
      : undefined,
  };
}

/** How many findings there are of each level, in words. */
export function countFindings(findings: readonly Finding[]): string {
  const errors = findings.filter(({ severity }) => severity === "error").length;
  return `${counted(errors, "error")}, ${counted(findings.length - errors, "warning")}`;
}

/** A file's path from another folder, with slashes, as CI shows it. */
export function pathFrom(from: string, folder: string, file: string): string {
  return path.relative(from, path.join(folder, file)).split(path.sep).join("/");
}

function readInventory({ settings, folder }: CodeContext): Inventory {
  return takeInventory(openProject(settings, folder));
}

function unfenced(object: string, findings: readonly Finding[]): AppError {
  return new AppError({
    code: "CODE_UNFENCED",
    object,
    fault: countFindings(findings),
    state: "nothing was changed",
    next: "tenantry code rewrite, or give the reason: // tenantry: all-organizations because …",
  });
}
