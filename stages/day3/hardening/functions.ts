import type { DatabaseFunction } from "../../../src/catalog/functions.ts";
import { requestRoles } from "../../../src/config/settings.ts";
import { pinSearchPath } from "../../../src/steps/hardening/search-path.ts";
import type { StageContext } from "../../../src/steps/model/stage.ts";
import { type Candidate, hardening } from "./hardening.ts";

type Unpinned = {
  readonly routine: DatabaseFunction;
  readonly label: string;
  readonly schemas: readonly string[];
};

/** Functions that run as their owner, and find names through the search_path of their caller. */
export const functions = hardening<Unpinned>({
  setting: "functions",
  are: "functions that run as their owner under any search_path",
  find: unpinned,
  concerns: () => [],
  steps: (wanted) =>
    wanted.map(({ routine, label, schemas }) => pinSearchPath(routine, label, schemas)),
});

function unpinned(context: StageContext): Candidate<Unpinned>[] {
  const { snapshot, settings } = context;
  const prefix = `${settings.schema}.`;
  return snapshot.functions
    .filter((one) => one.securityDefiner && !one.pinsSearchPath && !one.parsed)
    .map((routine) => {
      const { signature } = routine;
      const label = signature.startsWith(prefix) ? signature.slice(prefix.length) : signature;
      const target = { routine, label, schemas: own(snapshot.server.searchPath) };
      return { name: label, target, whyItStays: whyItStays(context, routine) };
    });
}

function whyItStays(context: StageContext, routine: DatabaseFunction): string | undefined {
  const { snapshot, settings } = context;
  if (!routine.mayAlter) return `belongs to ${routine.owner}`;
  if (routine.saysSearchPath) return "has search_path in its body: it may set it itself";
  const here = own(snapshot.server.searchPath);
  for (const role of [...requestRoles(settings), routine.owner]) {
    const set =
      snapshot.searchPaths.find((path) => path.role === role) ??
      snapshot.searchPaths.find((path) => path.role === null);
    if (set === undefined || own(set.schemas).join() === here.join()) continue;
    return `is called with different search paths: ${role} has ${set.schemas.join(", ")}, this session has ${here.join(", ")}`;
  }
  return undefined;
}

/** A path without the schema of temporary tables, which becomes its last. */
function own(schemas: readonly string[]): string[] {
  return schemas.filter((schema) => !/^pg_temp(_\d+)?$/.test(schema));
}
