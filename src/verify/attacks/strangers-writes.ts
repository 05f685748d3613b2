import { ident, type Sql, sql } from "../../postgres/sql.ts";
import type { Refused, Try } from "../proof/attempt.ts";
import { attemptAll, withoutFiring } from "../proof/attempts.ts";
import type { Request } from "../proof/request.ts";
import type { Refusal } from "../proof/unexplained.ts";
import type { Violation } from "../proof/violation.ts";
import { insertLike } from "../rows/insert-like.ts";
import { isAtOneOf } from "../rows/row-location.ts";
import type { Tried } from "../tables/try-writes.ts";
import type { AttackSetup } from "./attack-setup.ts";

/** Somebody who must see no row but those of their organizations. */
export type Stranger = {
  readonly name: string;
  /** Whether its claims are true: then it must get an answer, and no error. */
  readonly honest: boolean;
  /** Whether it writes too. */
  readonly writes: boolean;
  /** The organizations that it is a member of. */
  readonly theirs: readonly string[];
  readonly request: Request;
};

type Privilege = "INSERT" | "UPDATE" | "DELETE";

type Write = {
  readonly fence: AttackSetup["fences"][number];
  readonly privilege: Privilege;
  readonly verb: string;
  readonly statement: Sql;
  readonly redacted: Sql;
};

/**
 * Inserts into all tables for the other organization, updates and deletes in them: without triggers, which may
 * refuse before policies are asked, where this session may keep them from firing. Each is undone by itself.
 */
export async function tryStrangersWrites(
  setup: AttackSetup,
  { name: who, request }: Stranger,
): Promise<Tried & { readonly refusals: readonly Refusal[] }> {
  const { queries, silences, foreign } = setup;
  const writes = setup.fences.flatMap((fence) => writesTo(setup, fence));
  const tries = writes.map(({ fence, statement }): Try => {
    const look = sql`
      SELECT count(*)::text
        FROM ${ident(fence.relation)}
       WHERE ${isAtOneOf(theirsOf(setup, fence))}
    `;
    return { as: request, settings: silences ? withoutFiring : [], statement, look };
  });
  const outcomes = await attemptAll(queries, tries);
  const violations: Violation[] = [];
  const refusals: Refusal[] = [];
  for (const [index, write] of writes.entries()) {
    const outcome = outcomes[index];
    if (outcome === undefined) throw new Error("a write has no outcome");
    const { fence, privilege, verb, redacted } = write;
    const { relation } = fence;
    const had = String(theirsOf(setup, fence).length);
    if (outcome.kind === "refused") {
      // Policies are checked before constraints: they let the row through.
      const isOpen = privilege === "INSERT" && isConstraintOf(relation, outcome);
      if (isOpen) violations.push(through(`only a constraint refused it: ${outcome.message}`));
      else if (!outcome.inFunction && privilege !== "INSERT")
        refusals.push({
          relation,
          privilege,
          ...(privilege === "UPDATE" ? { column: setup.tenancy.column } : {}),
          refused: outcome,
        });
    } else if (privilege === "INSERT" ? outcome.rows > 0 : outcome.seen !== had) {
      violations.push(through(`rows of organization ${foreign}, which the proof made`));
    }
    function through(answer: string): Violation {
      const shown = { who, request, object: relation, statement: redacted, answer };
      return { what: `${who} ${verb} ${fence.label}`, shown };
    }
  }
  return { violations, refusals, remarks: [] };
}

function isConstraintOf(
  { schema, name }: Write["fence"]["relation"],
  { sqlState, inFunction, constraintOf, constraint }: Refused,
): boolean {
  // That no partition takes the row is found before policies are asked; a check has a name.
  if (sqlState === "23514" && constraint === undefined) return false;
  const ofTable = constraintOf?.schema === schema && constraintOf.name === name;
  return ofTable && !inFunction && ["23502", "23503", "23505", "23514", "23P01"].includes(sqlState);
}

/** Where the other organization's rows are; an UPDATE moves them. */
function theirsOf({ foreign }: AttackSetup, { testRows }: Write["fence"]): readonly string[] {
  return testRows.locations.filter((_, index) => testRows.owners[index] === foreign);
}

function writesTo(setup: AttackSetup, fence: Write["fence"]): readonly Write[] {
  const { tenancy, foreign } = setup;
  const table = ident(fence.relation);
  const column = ident(tenancy.column);
  const [sample] = fence.testRows.records;
  const insert = insertLike(fence.relation, tenancy.column, fence.columns, sample)(foreign);
  // A constant needs no privilege to read the column.
  const update = sql`UPDATE ${table} SET ${column} = ${foreign}::uuid`;
  const remove = sql`DELETE FROM ${table}`;
  return [
    { fence, privilege: "INSERT", verb: "inserts a row for others into", ...insert },
    {
      ...{ fence, privilege: "UPDATE", verb: "changes others' rows of" },
      ...{ statement: update, redacted: update },
    },
    {
      ...{ fence, privilege: "DELETE", verb: "deletes others' rows of" },
      ...{ statement: remove, redacted: remove },
    },
  ];
}
