import { z } from "zod";
import { type ResolvedSettings, requestRoles } from "../../config/settings.ts";
import { messageOf } from "../../errors.ts";
import type { CheckResult } from "../../events/verification.ts";
import {
  isConnectionLoss,
  isLockConflict,
  type Queries,
  type Session,
  sqlState,
} from "../../postgres/connection.ts";
import { ident, literal, type RelationName, sql, textOf } from "../../postgres/sql.ts";
import type { Persona } from "../../steps/model/stage.ts";
import type { Tenancy } from "../../steps/model/tenancy.ts";
import { attemptRows } from "../proof/attempt.ts";
import { blocked } from "../proof/blocked.ts";
import { signedInAs, signedInAsNobody } from "../proof/request.ts";
import { type Actor, makeTestOrganizations, play } from "../proof/test-organizations.ts";
import { inRolledBackTransaction, retryWhileLocked } from "../proof/unnoticed.ts";
import { resultOf, violation } from "../proof/violation.ts";
import type { Tried } from "../tables/try-writes.ts";
import { type FunctionFacts, readFunctionFacts } from "./function-facts.ts";

const claim = "the functions that the policies call answer every request";

const ofMember: Persona = {
  name: "member",
  memberships: [{ organization: "test-client-a", role: "member" }],
};
const ofOwner: Persona = {
  name: "owner",
  memberships: [{ organization: "test-client-a", role: "owner" }],
};

/**
 * Every policy depends on these functions: where one refuses, or returns nothing, no user reaches others'
 * rows, nor their own. Each function's catalog entry is compared with what it needs, and it is called.
 * @returns also whether they answer in time: nothing that calls them can be tried otherwise
 */
export async function tryFunctions(
  session: Session,
  settings: ResolvedSettings,
  tenancy: Tenancy,
): Promise<{ readonly result: CheckResult; readonly answer: boolean }> {
  const tryOnce = (turn: number) =>
    inRolledBackTransaction(session, async (queries) => {
      const scene = await makeTestOrganizations(queries, tenancy, [ofMember], turn);
      if ("impossible" in scene) {
        const result = resultOf(claim, [violation(`not tried: ${scene.impossible}`)]);
        return { result, answer: true };
      }
      await queries.execute(sql`SET LOCAL statement_timeout = '2s'`);
      const facts = await readFunctionFacts(queries, tenancy, requestRoles(settings));
      const faults = facts.flatMap(faultsOf);
      const asking = { queries, settings, tenancy, facts };
      const member = await play(queries, tenancy, scene, { persona: ofMember, which: 0 });
      const asMember = await firstWrong(asking, member, "member");
      const owner = await play(queries, tenancy, scene, { persona: ofOwner, which: 1 });
      const asOwner = await firstWrong(asking, owner, "owner");
      const wrong = [asMember, asOwner].flatMap((one) => one.violations).slice(0, 1);
      const unproven = asMember.remarks;
      const result = resultOf(claim, [...faults.map(violation), ...wrong], { unproven });
      return { result, answer: asMember.answer && asOwner.answer };
    });
  try {
    return await retryWhileLocked(tryOnce);
  } catch (error) {
    if (isConnectionLoss(error)) throw error;
    if (isLockConflict(error)) throw blocked("the functions that the policies call", error);
    const reason = messageOf(error);
    return {
      result: resultOf(claim, [violation(`could not be tried: ${reason}`)]),
      answer: sqlState(error) !== queryCanceled,
    };
  }
}

const queryCanceled = "57014";

/** In milliseconds. Every statement of every request waits for each of the functions. */
const tooLong = 500;

/** What is wrong with a function according to the catalog, with the statement that restores it. */
function faultsOf(facts: FunctionFacts): string[] {
  const { signature, needs, roles } = facts;
  if (!facts.there && facts.optional) return [];
  if (!facts.there) return [`${signature} does not exist; ${restoredFrom(facts)}`];
  const fault = (what: string, statement: string) =>
    `${signature} ${what}; to restore it: ${statement}`;
  const found: string[] = [];
  if (needs.definer && !facts.definer) {
    found.push(fault("is SECURITY INVOKER", `ALTER FUNCTION ${signature} SECURITY DEFINER`));
  }
  if (needs.definer && !facts.ownerBypasses) {
    const what = `runs as ${facts.owner}, which row-level security applies to`;
    found.push(fault(what, `ALTER FUNCTION ${signature} OWNER TO ${facts.tablesOwner}`));
  }
  if (needs.definer && !facts.ownerMay) {
    const what = `runs as ${facts.owner}, which lacks a privilege on what it asks`;
    found.push(fault(what, `ALTER FUNCTION ${signature} OWNER TO ${facts.tablesOwner}`));
  }
  if (needs.stable && facts.volatility !== "stable") {
    found.push(fault(`is ${facts.volatility.toUpperCase()}`, `ALTER FUNCTION ${signature} STABLE`));
  }
  if (needs.execute && roles.length > 0) {
    const statement = `GRANT EXECUTE ON FUNCTION ${signature} TO PUBLIC`;
    found.push(fault(`may not be executed by ${roles.join(" and ")}`, statement));
  }
  if (needs.definer && !facts.searchPathIsSafe) {
    found.push(
      fault("has no safe search_path setting", `ALTER FUNCTION ${signature} SET search_path TO ''`),
    );
  }
  for (const name of facts.otherSettings) {
    found.push(fault(`sets ${name}`, `ALTER FUNCTION ${signature} RESET ${name}`));
  }
  return found;
}

function restoredFrom({ step }: FunctionFacts): string {
  return `its text is in the journal: SELECT definition FROM tenantry.step WHERE id = ${textOf(literal(step))}`;
}

type Asking = {
  readonly queries: Queries;
  readonly settings: ResolvedSettings;
  readonly tenancy: Tenancy;
  readonly facts: readonly FunctionFacts[];
};

type Expected = {
  readonly name: RelationName;
  readonly ofUser: readonly (string | null)[];
  /** For a request without a user; undefined where any answer is right. */
  readonly ofNobody: readonly (string | null)[] | undefined;
};

/** Each function is called after those that it calls itself: the first wrong answer is the cause. */
async function firstWrong(
  asking: Asking,
  actor: Actor,
  role: "member" | "owner",
): Promise<Tried & { readonly answer: boolean }> {
  for (const expected of expectedOf(asking, actor, role)) {
    const facts = asking.facts.find(({ name }) => sameName(name, expected.name));
    if (facts !== undefined && (!facts.there || faultsOf(facts).length > 0)) break;
    if (facts?.mine === false) {
      const why = "this session lacks EXECUTE on it or USAGE on its schema";
      const remarks = [`${facts.signature} was not called: ${why}`];
      return { violations: [], remarks, answer: true };
    }
    const wrong = await wrongAnswer(asking, actor, expected);
    if (wrong === undefined) continue;
    const signature = `${textOf(ident(expected.name)).replaceAll('"', "")}()`;
    const restored =
      facts === undefined ? "restore it as it was when Day 1 was run" : restoredFrom(facts);
    const { what, answer } = wrong;
    return { violations: [violation(`${signature} ${what}; ${restored}`)], remarks: [], answer };
  }
  return { violations: [], remarks: [], answer: true };
}

function expectedOf(
  { settings, tenancy: { helpers } }: Asking,
  { user, organizations }: Actor,
  role: "member" | "owner",
): readonly Expected[] {
  const identity = { name: { schema: "auth", name: "uid" }, ofUser: [user], ofNobody: [null] };
  return [
    ...(settings.identity.kind === "supabase" ? [identity] : []),
    { name: helpers.caller, ofUser: [user], ofNobody: [null] },
    { name: helpers.callerOrganizations, ofUser: organizations, ofNobody: [] },
    {
      name: helpers.callerAdministers,
      ofUser: role === "owner" ? organizations : [],
      ofNobody: [],
    },
    { name: helpers.writingOrganization, ofUser: organizations, ofNobody: undefined },
  ];
}

async function wrongAnswer(
  { queries, settings }: Asking,
  { user }: Actor,
  { name, ofUser, ofNobody }: Expected,
): Promise<{ readonly what: string; readonly answer: boolean } | undefined> {
  let shortest = Number.POSITIVE_INFINITY;
  const asked = [
    ["a user of one organization", signedInAs(settings, user), ofUser],
    ["nobody", signedInAsNobody(settings), ofNobody],
  ] as const;
  for (const [who, request, expected] of asked) {
    if (expected === undefined) continue;
    for (const [setting, value] of request.settings) {
      await queries.execute(sql`SET LOCAL ${ident(setting)} = ${literal(value)}`);
    }
    const began = performance.now();
    const answered = await attemptRows(
      queries,
      sql`SELECT answer::text AS answer FROM ${ident(name)}() AS answer`,
      z.object({ answer: z.string().nullable() }),
    );
    if (answered.kind === "refused") {
      const what = `fails for ${who}: ${answered.message} (SQLSTATE ${answered.sqlState})`;
      return { what, answer: answered.sqlState !== queryCanceled };
    }
    shortest = Math.min(shortest, performance.now() - began);
    const answers = answered.rows.map(({ answer }) => answer);
    if (JSON.stringify(answers) === JSON.stringify(expected)) continue;
    const values = answers.filter((answer) => answer !== null).length;
    const right = expected.filter((answer) => answer !== null).length;
    const what =
      values === right
        ? `answers ${who} with another user's value`
        : `answers ${who} with ${counted(values)} instead of ${counted(right)}`;
    return { what, answer: true };
  }
  if (shortest < tooLong) return undefined;
  return { what: `takes ${Math.round(shortest)} ms each time it is called`, answer: false };
}

function counted(values: number): string {
  if (values === 0) return "nothing";
  return values === 1 ? "one value" : `${values} values`;
}

function sameName(one: RelationName, other: RelationName): boolean {
  return one.schema === other.schema && one.name === other.name;
}
