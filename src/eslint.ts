import path from "node:path";
import { takeInventory } from "./code/queries/inventory.ts";
import { openProject, type Project } from "./code/reading/project.ts";
import { rules as codeRules } from "./code/rules.ts";
import { annotationRules, type Violation, violationsOf } from "./code/violations.ts";
import { loadSettings } from "./config/load.ts";

/** The part of ESLint's context that is used. */
type Context = {
  readonly filename: string;
  readonly sourceCode: { readonly text: string };
  report(fault: {
    readonly loc: { readonly line: number; readonly column: number };
    readonly message: string;
  }): void;
};

type EslintRule = {
  readonly meta: {
    readonly type: "problem";
    readonly docs: { readonly description: string };
    readonly schema: readonly [];
  };
  create(context: Context): { Program(): void };
};

/** One entry of `eslint.config.js`. */
export type EslintConfig = {
  readonly name: string;
  readonly files: readonly string[];
  readonly plugins: {
    readonly tenantry: { readonly rules: Readonly<Record<string, EslintRule>> };
  };
  readonly rules: Readonly<Record<string, "error" | "warn">>;
};

export type EslintOptions = {
  /** Where `tenantry.config.*` is; the working directory where it is not given. */
  readonly folder?: string;
  /** A configuration of another name. */
  readonly config?: string;
};

/**
 * The rules of `tenantry code check` for ESLint's flat configuration. They follow names through the
 * whole project, so the whole project is read once.
 * @throws AppError CONFIG_NOT_FOUND, CONFIG_INVALID or CODE_NOT_FOUND
 */
export async function tenantry({ folder, config }: EslintOptions = {}): Promise<EslintConfig> {
  const found = await loadSettings(folder ?? process.cwd(), config);
  const findingsIn = finder(openProject(found.settings, found.folder));
  const all = [...codeRules, ...annotationRules];
  const rules = all.map(({ id, title }): [string, EslintRule] => [
    id,
    {
      meta: { type: "problem", docs: { description: title }, schema: [] },
      create: (context) => ({
        Program() {
          for (const { rule, place, what, fact, fix } of findingsIn(context)) {
            if (rule.id !== id) continue;
            context.report({
              loc: { line: place.line, column: place.column - 1 },
              message: `${what}: ${fact} → ${fix}`,
            });
          }
        },
      }),
    },
  ]);
  return {
    name: "tenantry",
    files: ["**/*.{js,jsx,ts,tsx}"],
    plugins: { tenantry: { rules: Object.fromEntries(rules) } },
    rules: Object.fromEntries(
      all.map(({ id, level }) => [`tenantry/${id}`, level === "error" ? "error" : "warn"]),
    ),
  };
}

export default tenantry;

/** Finds the violations in a file as an editor has it, also before it is saved. */
function finder(opened: Project): (context: Context) => readonly Violation[] {
  let project = opened;
  let violations: readonly Violation[] | undefined;
  return ({ filename, sourceCode }) => {
    const file = project.files.find(
      ({ source }) => path.normalize(source.fileName) === path.normalize(filename),
    );
    if (file === undefined) return [];
    if (file.source.text !== sourceCode.text) {
      project = project.withTexts(new Map([[path.normalize(filename), sourceCode.text]]));
      violations = undefined;
    }
    violations ??= violationsOf(takeInventory(project));
    return violations.filter(({ place }) => place.file === file.name);
  };
}
