import type { ResolvedSettings } from "../../config/settings.ts";
import type { Queries } from "../../postgres/connection.ts";
import type { RelationName, Sql } from "../../postgres/sql.ts";
import type { Tenancy } from "../../steps/model/tenancy.ts";
import type { Placement } from "../rows/placement.ts";
import type { TableFacts } from "../rows/table-facts.ts";
import { asRequest, signedInAs } from "./request.ts";
import type { Actor } from "./scene.ts";
import type { Shown } from "./violation.ts";

export type Fence = { readonly relation: RelationName; readonly label: string };

/** A table as a persona tries it. */
export type Trial = {
  readonly queries: Queries;
  readonly settings: ResolvedSettings;
  readonly tenancy: Tenancy;
  readonly fence: Fence;
  readonly actor: Actor;
  readonly placement: Placement;
  readonly facts: TableFacts;
  /** Whether the plan's policies are the only permissive ones, so that a member sees every row. */
  readonly membersSeeAll: boolean;
};

/** Does work as the trial's persona. */
export function as<Result>({ queries, actor, settings }: Trial, work: () => Promise<Result>) {
  return asRequest(queries, signedInAs(settings, actor.user), work);
}

/** What the persona did on the trial's table, and what came of it. */
export function shownBy({ settings, actor, fence }: Trial, statement: Sql, answer: string): Shown {
  const request = signedInAs(settings, actor.user);
  return { who: actor.persona.name, request, object: fence.relation, statement, answer };
}

/** The persona's organizations that hold a row. */
export function ownRows({ placement, actor }: Trial): readonly string[] {
  return placement.organizations.filter((one) => actor.organizations.includes(one));
}

/** The others' organizations that hold a row. */
export function foreignRows({ placement, actor }: Trial): readonly string[] {
  return placement.organizations.filter((one) => !actor.organizations.includes(one));
}
