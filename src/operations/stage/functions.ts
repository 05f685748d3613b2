import { readRoutines } from "../../catalog/routines/read-routines.ts";
import type { Snapshot } from "../../catalog/snapshot.ts";
import { requestRoles, resolveRoles, type Settings } from "../../config/settings.ts";
import { AppError } from "../../errors.ts";
import { readCatalog } from "../../postgres/read-catalog.ts";
import type { RemoteCall } from "../../steps/definer/proposal.ts";
import type { RunName, Stage, StageContext } from "../../steps/model/stage.ts";
import type { Workspace } from "../context/workspace.ts";

/** What Day 3 plans functions from: nothing where it is not among the stages. */
export async function readFunctions(
  { session, settings, folder }: Pick<Workspace, "session" | "settings" | "folder">,
  { server }: Snapshot,
  wanted: readonly Stage<RunName>[],
): Promise<Pick<StageContext, "routines" | "calls">> {
  if (!wanted.some(({ name }) => name === "day3")) return {};
  const roles = requestRoles(resolveRoles(settings, server.usesAnon)).filter((role) =>
    server.roles.includes(role),
  );
  const routines = await readCatalog(session, (queries) => readRoutines(queries, roles));
  const needed = settings.hardening.definerFunctions.length + settings.functions.length > 0;
  return { routines, calls: needed ? await readCalls(settings, folder) : undefined };
}

/** The application's calls of functions: `.rpc("name")`; undefined where no code is found. */
export async function readCalls(
  settings: Settings,
  folder: string,
): Promise<readonly RemoteCall[] | undefined> {
  // The compiler is large, and most commands need none.
  const [{ openProject }, { takeInventory }] = await Promise.all([
    import("../../code/reading/project.ts"),
    import("../../code/queries/inventory.ts"),
  ]);
  try {
    const { entries } = takeInventory(openProject(settings, folder));
    return entries.flatMap((entry) => {
      const place = `${entry.place.file}:${entry.place.line}`;
      if (entry.kind === "rpc") {
        const asService = entry.client.kind === "service-role";
        return entry.name.split(" or ").map((name) => ({ name, asService, place }));
      }
      return entry.kind === "sql"
        ? calledIn(entry.text).map((name) => ({ name, asService: false, place, sql: true }))
        : [];
    });
  } catch (error) {
    if (error instanceof AppError && error.code === "CODE_NOT_FOUND") return undefined;
    throw error;
  }
}

/** The names before a parenthesis in SQL. */
function calledIn(text: string): readonly string[] {
  return [...text.matchAll(/("(?:[^"]|"")+"|[A-Za-z_][\w$]*)\s*\(/g)].map(([, name = ""]) =>
    name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name.toLowerCase(),
  );
}
