import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import type ts from "typescript";
import type { RelationName } from "../../postgres/sql.ts";
import type { Component } from "../components/component.ts";
import { type Uses, usesIn } from "../components/uses.ts";
import type { Project } from "../reading/project.ts";
import { symbolsOf } from "../reading/symbols.ts";
import { applyEdits } from "../rewrite/apply.ts";
import type { Edit } from "../rewrite/edit.ts";
import { placeBoundary } from "./boundary.ts";
import {
  dependsOn,
  exportedClient,
  fileOf,
  inQuotesOf,
  specifierFor,
  supabaseModule,
} from "./conventions.ts";
import { databaseTypes } from "./database-types.ts";
import { placeOfProvider, provider, wrapRoot } from "./root.ts";
import { callerOrganization } from "./templates/caller-organization.ts";
import { organizationContext } from "./templates/organization-context.ts";
import { organizationStore } from "./templates/organization-store.ts";
import { organizationSwitcher } from "./templates/organization-switcher.ts";

export type ScaffoldedFile = {
  /** The absolute path. */
  readonly path: string;
  /** From the code's folder, with slashes. */
  readonly name: string;
  /** Undefined where the file is new. */
  readonly before: string | undefined;
  readonly after: string;
};

export type Scaffold = {
  readonly files: readonly ScaffoldedFile[];
  /** Files that exist already; they are not changed. */
  readonly kept: readonly { readonly name: string; readonly same: boolean }[];
  /** What a person must do, and why. */
  readonly left: readonly string[];
};

type Piece = { readonly file: string; readonly text: string };

/**
 * What the application needs to know its organization: a store, context and switcher for React, a
 * helper for edge functions, and the columns in the database's types, in the project's own style. This
 * writes nothing, and no existing file is replaced.
 */
export function scaffold(project: Project): Scaffold {
  const left: string[] = [];
  const forReact = reactPieces(project, left);
  const pieces = [...forReact, ...functionPieces(project)];
  const files: ScaffoldedFile[] = [];
  const kept: { name: string; same: boolean }[] = [];
  for (const { file, text } of pieces) {
    const name = nameOf(project, file);
    if (existsSync(file)) kept.push({ name, same: readFileSync(file, "utf8") === text });
    else files.push({ path: file, name, before: undefined, after: text });
  }
  const context = contextFile(project);
  const placed =
    context === undefined || forReact.length === 0 ? [] : placeInTree(project, context, left);
  files.push(...edited(project, [...placed, ...databaseTypes(project)]));
  return { files, kept, left };
}

/** Puts the provider and the boundary in their places, as far as those are certain. */
function placeInTree(project: Project, context: string, left: string[]): readonly Edit[] {
  const uses = usesIn(symbolsOf(project));
  const own = providerIn(uses, context);
  const place = placeOfProvider(uses, own, dependsOn(project, "@tanstack/react-query"));
  const edits =
    place.kind === "inside" || place.kind === "around" ? wrapRoot(uses, place, context) : [];
  const provided =
    place.kind === "around" ? "everything" : place.kind === "none" ? undefined : place.element;
  const boundary = placeBoundary(uses, provided, context);
  left.push(...boundary.left);
  if (place.kind === "none") left.push(place.reason);
  return [...edits, ...boundary.edits];
}

/** The provider of an existing context file. */
function providerIn({ components }: Uses, context: string): Component | undefined {
  return [...components].find(
    (component) =>
      component.name?.getText() === provider &&
      path.normalize(component.getSourceFile().fileName).startsWith(`${path.normalize(context)}.`),
  );
}

/** The file of the configured hook, without its ending. */
function contextFile(project: Project): string | undefined {
  const { hook } = project.settings.code.app;
  return hook === undefined ? undefined : fileOf(project, hook.from);
}

function reactPieces(project: Project, left: string[]): Piece[] {
  const { app } = project.settings.code;
  if (!dependsOn(project, "react")) return [];
  const { hook } = app;
  if (hook === undefined) {
    left.push(
      "the context for React: set code.app.hook to the name of the hook and the module of the context",
    );
    return [];
  }
  const context = contextFile(project);
  if (context === undefined) {
    left.push(
      `the context for React: ${hook.from} matches no path of compilerOptions.paths in tsconfig.json`,
    );
    return [];
  }
  const client = exportedClient(project);
  if (client === undefined) {
    left.push("the context for React: no file exports a client that was created with createClient");
    return [];
  }
  const components = path.join(path.dirname(path.dirname(context)), "components");
  const beside = path.dirname(context);
  const switcher = path.join(
    existsSync(components) ? components : beside,
    "OrganizationSwitcher.tsx",
  );
  const ending = `${context}.tsx`;
  const next = dependsOn(project, "next");
  return [
    {
      file: path.join(beside, "organization-store.ts"),
      text: inQuotesOf(project, organizationStore(tablesOf(project))),
    },
    {
      file: ending,
      text: inQuotesOf(
        project,
        organizationContext({
          client: { name: client.name, from: specifierFor(project, client.file, ending) },
          hook: hook.name,
          organization: app.organization,
          reactQuery: dependsOn(project, "@tanstack/react-query"),
          next,
        }),
      ),
    },
    {
      file: switcher,
      text: inQuotesOf(
        project,
        organizationSwitcher(specifierFor(project, ending, switcher), next),
      ),
    },
  ];
}

function functionPieces(project: Project): Piece[] {
  const { functions } = project.settings.code;
  if (!project.files.some(({ part }) => part === "functions")) return [];
  // The beginning of the pattern, up to its first star.
  const folder = functions.include[0]?.split("*")[0] ?? "";
  const { caller = { name: "callerOrganization", from: `${folder}/_shared/organization.ts` } } =
    functions;
  const { memberships, organizations } = fromChains(project);
  return [
    {
      file: path.join(project.folder, caller.from),
      text: inQuotesOf(
        project,
        callerOrganization({
          supabase: supabaseModule(project),
          memberships,
          organizations,
          organization: functions.organization,
          caller: caller.name,
        }),
      ),
    },
  ];
}

function tablesOf(project: Project) {
  const { names } = project.settings;
  return { memberships: fromChains(project).memberships, organizations: names.organizations.name };
}

function fromChains({ settings }: Project) {
  const chain = ({ schema, name }: RelationName) =>
    schema === "public" ? `.from("${name}")` : `.schema("${schema}").from("${name}")`;
  const { memberships, organizations } = settings.names;
  return { memberships: chain(memberships), organizations: chain(organizations) };
}

function edited(project: Project, edits: readonly Edit[]): ScaffoldedFile[] {
  const sources = new Map<ts.SourceFile, Edit[]>();
  for (const edit of edits) sources.set(edit.source, [...(sources.get(edit.source) ?? []), edit]);
  return [...sources].map(([source, own]) => ({
    path: path.normalize(source.fileName),
    name: nameOf(project, source.fileName),
    before: source.text,
    after: applyEdits(source, own),
  }));
}

function nameOf({ folder }: Project, file: string): string {
  return path.relative(folder, file).split(path.sep).join("/");
}
