import { readFile } from "node:fs/promises";
import { AppError } from "../../errors.ts";
import type { CheckResult } from "../../events/verification.ts";
import type { Application, FileChange } from "../../steps/model/application.ts";
import { byteOrderMark } from "../code/files.ts";
import { fromConfig, type Workspace } from "../context/workspace.ts";

/** The application's part of Day 3 as its files are now. */
export type ReadApplication = Application & {
  /** Findings that keep the code from being fenced, and that no rewriting fixes: where and what. */
  readonly unfenced: readonly string[];
};

/**
 * Reads the application's code, and rewrites it without writing anything. It is asked only where the
 * configuration names gates, and never for a copy of the database.
 */
export async function readApplication(
  workspace: Pick<Workspace, "settings" | "folder" | "planAs">,
): Promise<ReadApplication | undefined> {
  const { settings, folder, planAs } = workspace;
  const gates = Object.entries(settings.code.gates).map(([name, command]) => ({ name, command }));
  if (gates.length === 0 || planAs !== undefined) return undefined;
  // The compiler is large, and most commands need none.
  const [{ openProject }, { takeInventory }, { rewriteCode }] = await Promise.all([
    import("../../code/reading/project.ts"),
    import("../../code/queries/inventory.ts"),
    import("../../code/rewrite/rewrite.ts"),
  ]);
  const { files, left } = rewriteCode(takeInventory(openProject(settings, folder)));
  const changes: FileChange[] = [];
  for (const { path, name, before, after } of files) {
    const mark = await byteOrderMarkOf(path, before);
    changes.push({ file: name, before: `${mark}${before}`, after: `${mark}${after}` });
  }
  return {
    changes,
    gates,
    unfenced: left
      .filter(({ rule }) => rule.level === "error")
      .map(({ place, rule, reason }) => `${place.file}:${place.line} ${rule.id}: ${reason}`),
  };
}

/** Whether the application's code holds what Day 3 wants of it; undefined where Day 3 leaves it alone. */
export async function verifyApplication({
  settings,
  folder,
}: Pick<Workspace, "settings" | "folder">): Promise<CheckResult | undefined> {
  if (Object.keys(settings.code.gates).length === 0) return undefined;
  const [{ openProject }, { takeInventory }, { violationsOf }] = await Promise.all([
    import("../../code/reading/project.ts"),
    import("../../code/queries/inventory.ts"),
    import("../../code/violations.ts"),
  ]);
  const findings = violationsOf(takeInventory(openProject(settings, folder)));
  return {
    claim:
      "every query of the application names its organization, or is annotated with the reason why not",
    violations: findings
      .filter(({ rule }) => rule.level === "error")
      .map(({ place, rule }) => `${place.file}:${place.line} ${rule.id}: ${rule.title}`),
  };
}

/**
 * @throws AppError CODE_UNFENCED where Day 3 would leave queries that name no organization: without
 *   the default organization they fail, or ask for all tenants' rows
 */
export function refuseUnfenced(
  workspace: Pick<Workspace, "settings" | "folder">,
  { unfenced }: ReadApplication,
): void {
  if (unfenced.length === 0) return;
  throw new AppError({
    code: "CODE_UNFENCED",
    object: fromConfig(workspace, workspace.settings.code.folder),
    fault: `${unfenced.length} findings in the application's code must be fixed by hand before Day 3`,
    state: "nothing was changed",
    next: "tenantry code rewrite --write fixes the others; then fix or annotate these, and run Day 3",
    details: unfenced,
  });
}

/** The compiler gives a text without its mark, which the file shall keep. */
async function byteOrderMarkOf(path: string, text: string): Promise<string> {
  const read = await readFile(path, "utf8");
  if (read === text) return "";
  if (read === `${byteOrderMark}${text}`) return byteOrderMark;
  throw new AppError({
    code: "FILES_EDITED",
    object: path,
    fault: "differs from what was read: it was changed since, or is not in UTF-8",
    state: "nothing was changed",
    next: "run it again, or leave the file out with code.app.exclude or code.functions.exclude",
  });
}
