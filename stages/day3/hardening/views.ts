import { findRelation } from "../../../src/catalog/snapshot.ts";
import { asksAsReader, type View } from "../../../src/catalog/views.ts";
import { configuredName, requestRoles } from "../../../src/config/settings.ts";
import { askAsReader } from "../../../src/steps/hardening/security-invoker.ts";
import type { StageContext } from "../../../src/steps/model/stage.ts";
import { policyNames } from "../../../src/steps/table/fence.ts";
import { type Candidate, hardening } from "./hardening.ts";
import { letsEverybodyThrough } from "./open-condition.ts";
import { isFenced, tenantTables } from "./tenant-tables.ts";
import { relationsUnder, viewsOverFenced } from "./views-over-fenced.ts";

/** Views over tenant tables that read as their owner, without the row-level security of the reader. */
export const views = hardening<View>({
  setting: "views",
  are: "views that read as their owner",
  find: (context) =>
    viewsOverFenced(context)
      .filter((view) => view.kind === "view" && !asksAsReader(view))
      .map((view) => candidate(context, view)),
  concerns: (view, context) => relationsUnder(context, view),
  steps: (wanted, { settings }) =>
    wanted.map((view) => askAsReader(view, configuredName(view, settings))),
});

function candidate(context: StageContext, view: View): Candidate<View> {
  const name = configuredName(view, context.settings);
  return {
    name,
    target: view,
    whyItStays: whyItStays(context, view),
    note: narrowed(context, view, name),
  };
}

function whyItStays(context: StageContext, view: View): string | undefined {
  const { snapshot, settings } = context;
  const label = (relation: { schema: string; name: string }) => configuredName(relation, settings);
  if (snapshot.server.version < 150_000) return "cannot have security_invoker before PostgreSQL 15";
  if (!view.mayAlter) return `belongs to ${view.owner}`;
  if (view.rules) return "has rules, whose actions would need the reader's privileges too";
  for (const under of view.reads) {
    if (under.kind === "materialized view") {
      return `reads ${label(under)}, a materialized view, which has no row-level security`;
    }
    if (under.kind === "foreign table") {
      return `reads the foreign table ${label(under)}, and its reader may have no user mapping for it`;
    }
    const relation = findRelation(snapshot, under);
    const shared = settings.shared.some(({ relation: one }) => label(one) === label(under));
    if (relation?.rowSecurity === true && !shared && !isFenced(context, under)) {
      return `reads ${label(under)}, whose policies are not the plan's: its reader may see fewer rows`;
    }
  }
  const [lacking] = view.lacking;
  if (lacking !== undefined) {
    return `${lacking.role ?? "PUBLIC"} may read it, and has no ${lacking.privilege} on ${label(lacking)}`;
  }
  const [filled] = view.fills.filter(({ owner }) => owner !== view.owner);
  if (filled !== undefined) return `fills ${label(filled)} as ${filled.owner}, who may see less`;
  const [reader] = readersWithoutRows(context, view);
  if (reader !== undefined) {
    return `${reader} reads it, is not a role of requests, and would see no rows`;
  }
  return undefined;
}

/** Readers that are not roles of requests, and that row-level security would show no rows. */
function readersWithoutRows(context: StageContext, { reads, readers, owner }: View): string[] {
  const { snapshot, settings } = context;
  const fenced = reads.filter((under) => isFenced(context, under));
  if (fenced.length === 0) return [];
  const owners = fenced.flatMap((under) => findRelation(snapshot, under)?.owner ?? []);
  const seeingRows = [
    ...requestRoles(settings),
    ...snapshot.server.bypassingRoles,
    ...(settings.forceRowSecurity ? [] : owners),
    snapshot.server.user,
    owner,
  ];
  return readers.filter((role): role is string => role !== null && !seeingRows.includes(role));
}

/** Where a table has its own policies for reading, the view obeys them from now on. */
function narrowed(context: StageContext, view: View, name: string): string | undefined {
  const tables = tenantTables(context).filter((table) => {
    const { relation, existing } = table;
    const reads = view.reads.some(
      (under) => under.schema === relation.schema && under.name === relation.name,
    );
    const whole = existing.policies
      .filter(({ permissive, command }) => permissive && (command === "r" || command === "*"))
      .some(
        (policy) =>
          policy.name === policyNames(relation.name).view ||
          (policy.using !== null && letsEverybodyThrough(policy.using, table, context)),
      );
    return reads && existing.rowSecurity && !whole;
  });
  if (tables.length === 0) return undefined;
  return `from now on the policies of ${tables.map(({ label }) => label).join(", ")} apply to readers of the view ${name}, who may see fewer rows of their organization`;
}
