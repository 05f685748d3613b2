import type { ResolvedSettings, Settings } from "../../config/settings.ts";
import type { Queries } from "../../postgres/connection.ts";
import type { RelationName, Sql } from "../../postgres/sql.ts";
import type { Tenancy } from "../../steps/model/tenancy.ts";
import type { Insert } from "../rows/insert-like.ts";
import type { TestRows } from "../rows/moved-rows.ts";
import type { TableFacts } from "../rows/table-facts.ts";
import type { Tries, Try } from "./attempt.ts";
import { type Request, signedInAs } from "./request.ts";
import type { Actor } from "./test-organizations.ts";
import type { Shown } from "./violation.ts";

export type Fence = {
  readonly relation: RelationName;
  readonly label: string;
  /** Whether it is tried beside the table that it is a partition of. */
  readonly isPartition?: boolean;
};

/** What the proof is tried on. */
export type ProofScope = {
  readonly settings: Settings;
  readonly tenancy: Tenancy;
  readonly fences: readonly Fence[];
  /** Whether it is a copy of the database, which may be changed. */
  readonly onClone?: boolean | undefined;
};

/** A table as a persona tries it. */
export type Trial = {
  readonly queries: Queries;
  readonly settings: ResolvedSettings;
  readonly tenancy: Tenancy;
  readonly fence: Fence;
  readonly actor: Actor;
  readonly testRows: TestRows;
  readonly facts: TableFacts;
  /** Whether the plan's policies are the only permissive ones, so that a member sees every row. */
  readonly membersSeeAll: boolean;
  /** An INSERT for any organization, with the values of the first of the test rows. */
  readonly insertInto: (organization: string | null) => Insert;
};

/** Statements, and what their outcomes say; several parts are tried in one round trip. */
export type Part<Result> = {
  readonly tries: readonly Try[];
  readonly judge: (outcomes: readonly Tries[]) => Result;
};

/** The trial's persona as a request. */
export function requestOf({ settings, actor }: Pick<Trial, "settings" | "actor">): Request {
  return signedInAs(settings, actor.user);
}

/** What the persona did on the trial's table, and what came of it. */
export function shownBy(trial: Trial, statement: Sql, answer: string): Shown {
  const { actor, fence } = trial;
  const request = requestOf(trial);
  return { who: actor.persona.name, request, object: fence.relation, statement, answer };
}

/** The persona's organizations that hold a row. */
export function ownRows({ testRows, actor }: Trial): readonly string[] {
  return testRows.organizations.filter((one) => actor.organizations.includes(one));
}

/** The others' organizations that hold a row. */
export function foreignRows({ testRows, actor }: Trial): readonly string[] {
  return testRows.organizations.filter((one) => !actor.organizations.includes(one));
}
