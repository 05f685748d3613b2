import { existsSync } from "node:fs";
import path from "node:path";
import { globSync } from "tinyglobby";
import ts from "typescript";
import type { Settings } from "../../config/settings.ts";
import { AppError } from "../../errors.ts";

export type PartName = "app" | "functions";

export type CodeFile = {
  readonly source: ts.SourceFile;
  /** From the code's folder, with slashes. */
  readonly name: string;
  readonly part: PartName;
};

/** The application's sources with their symbols. */
export type Project = {
  readonly settings: Settings;
  readonly folder: string;
  readonly program: ts.Program;
  readonly checker: ts.TypeChecker;
  readonly files: readonly CodeFile[];
  /** The same project, with other texts of some files. */
  withTexts(texts: ReadonlyMap<string, string>): Project;
};

/**
 * Loads the sources that the configuration names, and what they import.
 * @param from the folder that `code.folder` starts at
 * @throws AppError CODE_NOT_FOUND where the patterns match nothing
 */
export function openProject(settings: Settings, from: string): Project {
  const folder = path.resolve(from, settings.code.folder);
  const parts = new Map<string, PartName>();
  for (const part of ["app", "functions"] as const) {
    for (const file of filesOf(settings, part, folder)) parts.set(file, part);
  }
  if (parts.size === 0) {
    throw new AppError({
      code: "CODE_NOT_FOUND",
      object: folder,
      fault: "has no file that matches code.app.include or code.functions.include",
      state: "nothing was read or changed",
      next: "set code.app.include or code.functions.include to the application's files (docs/code.md)",
    });
  }
  const { options, declarations } = compilerSettings(settings, folder);
  const sources = new Map<string, ts.SourceFile>();
  const names = [...parts.keys()].sort();

  const load = (texts: ReadonlyMap<string, string>, previous: ts.Program | undefined): Project => {
    const host = hostFor(options, texts, sources);
    const program = ts.createProgram([...names, ...declarations], options, host, previous);
    const files = names.flatMap((file) => {
      const source = program.getSourceFile(file);
      const part = parts.get(file);
      return source === undefined || part === undefined
        ? []
        : [{ source, part, name: path.relative(folder, file).split(path.sep).join("/") }];
    });
    return {
      settings,
      folder,
      program,
      checker: program.getTypeChecker(),
      files,
      withTexts: (changed) => load(new Map([...texts, ...changed]), program),
    };
  };
  return load(new Map(), undefined);
}

function filesOf({ code }: Settings, part: PartName, folder: string): string[] {
  const { include, exclude } = code[part];
  return globSync(include, {
    cwd: folder,
    ignore: ["**/node_modules/**", ...exclude],
    absolute: true,
    expandDirectories: false,
  });
}

/** Each source is parsed once, for all programs. */
function hostFor(
  options: ts.CompilerOptions,
  texts: ReadonlyMap<string, string>,
  sources: Map<string, ts.SourceFile>,
): ts.CompilerHost {
  const host = ts.createCompilerHost(options, true);
  const read = (file: string) => texts.get(path.normalize(file)) ?? ts.sys.readFile(file);
  return {
    ...host,
    readFile: read,
    getSourceFile(file, language) {
      const changed = texts.get(path.normalize(file));
      // A text that was only tried must not be cached for the file.
      const key = changed === undefined ? file : `changed ${file}`;
      const known = sources.get(key);
      if (known !== undefined && (changed === undefined || known.text === changed)) return known;
      const text = read(file);
      if (text === undefined) return undefined;
      const source = ts.createSourceFile(file, text, language, true);
      sources.set(key, source);
      return source;
    },
  };
}

const ownOptions: ts.CompilerOptions = {
  noEmit: true,
  allowJs: true,
  skipLibCheck: true,
  // Imports in Deno have the extension; an error would hide the imported file.
  allowImportingTsExtensions: true,
};

type CompilerSettings = {
  readonly options: ts.CompilerOptions;
  /** Files with global declarations. */
  readonly declarations: readonly string[];
};

function compilerSettings({ code }: Settings, folder: string): CompilerSettings {
  const file = [code.tsconfig, "tsconfig.app.json", "tsconfig.json"]
    .flatMap((name) => (name === undefined ? [] : [path.join(folder, name)]))
    .find((candidate) => existsSync(candidate));
  if (file === undefined) {
    const options = {
      ...ownOptions,
      target: ts.ScriptTarget.ESNext,
      module: ts.ModuleKind.ESNext,
      moduleResolution: ts.ModuleResolutionKind.Bundler,
      jsx: ts.JsxEmit.Preserve,
      strict: true,
      types: [],
    };
    return { options, declarations: [] };
  }
  const { config, error } = ts.readConfigFile(file, ts.sys.readFile);
  if (error !== undefined) {
    throw new AppError({
      code: "CONFIG_INVALID",
      object: file,
      fault: ts.flattenDiagnosticMessageText(error.messageText, "; "),
      state: "nothing was read or changed",
      next: "fix the file, or name another one in code.tsconfig",
    });
  }
  const { options, fileNames } = ts.parseJsonConfigFileContent(config, ts.sys, path.dirname(file));
  return {
    options: {
      ...options,
      ...ownOptions,
      composite: false,
      incremental: false,
      declaration: false,
    },
    // The configuration lists all other files.
    declarations: fileNames.filter((name) => name.endsWith(".d.ts")),
  };
}
