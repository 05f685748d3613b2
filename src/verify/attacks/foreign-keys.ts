import { z } from "zod";
import { ident, list, raw, type Sql, sql } from "../../postgres/sql.ts";
import {
  type Attempt,
  attempt,
  attemptAlone,
  type Refused,
  withoutTriggers,
} from "../proof/attempt.ts";
import type { Violation } from "../proof/violation.ts";
import { freshValues } from "../rows/fresh-values.ts";
import { type Insert, type InsertFor, insertLike } from "../rows/insert-like.ts";
import { nonTransactionalTriggerOf } from "../rows/non-transactional-triggers.ts";
import type { Tried } from "../tables/try-writes.ts";
import { type AttackSetup, attackersRequest, joinOnly } from "./attack-setup.ts";
import {
  anyKey,
  type KeyPair,
  type KeyValues,
  keyPair,
  type NamedKey,
  namedKeys,
} from "./named-keys.ts";

/** Who names a key. */
type Writer = {
  readonly name: string;
  readonly organizations: readonly string[];
  readonly tries: "all statements" | "one without an organization";
};

/** A key of a table, with what is written to name it. */
type TriedKey = {
  readonly fence: AttackSetup["fences"][number];
  readonly key: NamedKey;
  readonly pair: KeyPair;
  readonly insert: InsertFor;
  /** Values for columns that are unique, so that no other row is in the way. */
  readonly fresh: ReadonlyMap<string, Sql>;
};

/** A statement that names a key. */
type Naming = { readonly what: string; readonly write: (key: KeyValues) => Insert };

/**
 * Whether an answer tells another organization's row from one that does not exist: each statement is run
 * with both keys, and all that a client gets is compared. What a foreign key that does not name the
 * organization answers by itself is one finding of the audit, `foreign-key-across`; of a unique key, `unique-across`.
 */
export async function tryForeignKeys(setup: AttackSetup): Promise<Tried> {
  const remarks: string[] = [];
  // A deferred key would answer at COMMIT only.
  const immediate = await attempt(setup.queries, sql`SET CONSTRAINTS ALL IMMEDIATE`);
  if (immediate.kind === "refused") {
    remarks.push(`keys that are deferred could not be tried: ${immediate.message}`);
  }
  const writers = await writersOf(setup);
  const keys: TriedKey[] = [];
  for (const fence of setup.fences) {
    const prepared = await prepare(setup, fence, writers);
    keys.push(...prepared.keys);
    remarks.push(...prepared.remarks);
  }
  const shown = new Map<TriedKey, Violation[]>();
  for (const writer of writers) {
    await become(setup, writer);
    for (const key of keys) {
      const tried = await tryKey(setup, key, writer);
      shown.set(key, [...(shown.get(key) ?? []), ...tried.violations]);
      remarks.push(...tried.remarks);
    }
  }
  return { violations: [...shown].flatMap(together), remarks };
}

/** One violation for a key, with the evidence of the first statement that shows it. */
function together([{ fence, key }, found]: [TriedKey, readonly Violation[]]): Violation[] {
  const [first] = found;
  if (first === undefined) return [];
  const how = found.map(({ what }) => what).join("; ");
  const what = `${fence.label}: ${key.name}: the answer tells another organization's row from one that does not exist (${how})`;
  return [{ ...first, what }];
}

async function writersOf({ queries, tenancy, own, foreign }: AttackSetup): Promise<Writer[]> {
  const [third] = await queries.rows(
    sql`
      SELECT o.id
        FROM ${ident(tenancy.organizations)} AS o
       WHERE o.id <> ALL (${[own, foreign]}::uuid[])
       ORDER BY o.id
       LIMIT 1
    `,
    z.object({ id: z.string() }),
  );
  const tries = "one without an organization";
  return [
    { name: "a member", organizations: [own], tries: "all statements" },
    ...(third === undefined
      ? []
      : [
          { name: "a member of two organizations", organizations: [own, third.id], tries } as const,
        ]),
    { name: "a user of no organization", organizations: [], tries },
  ];
}

async function become(setup: AttackSetup, { organizations }: Writer): Promise<void> {
  const { queries, tenancy, user } = setup;
  await joinOnly(setup, []);
  await withoutTriggers(queries, async () => {
    for (const organization of organizations) {
      await queries.execute(sql`
        INSERT INTO ${ident(tenancy.memberships)} (organization_id, user_id, role)
        VALUES (${organization}, ${user}::${raw(tenancy.users.idType)}, 'member')
      `);
    }
  });
}

async function prepare(
  setup: AttackSetup,
  fence: TriedKey["fence"],
  writers: readonly Writer[],
): Promise<{ readonly keys: readonly TriedKey[]; readonly remarks: readonly string[] }> {
  const { queries, tenancy } = setup;
  const { relation, label, testRows, columns } = fence;
  const named = await namedKeys(setup, fence);
  if (named.length === 0) return { keys: [], remarks: [] };
  const trigger = await nonTransactionalTriggerOf(queries, relation);
  if (trigger !== undefined) {
    const why = `a rollback does not undo its trigger ${trigger}`;
    return { keys: [], remarks: [`${label} was not written to: ${why}`] };
  }
  const insert = insertLike(relation, tenancy.column, columns, testRows.records[0]);
  const fresh = await freshValues(queries, relation, columns);
  const own = writers.flatMap(({ organizations }) => organizations);
  const keys: TriedKey[] = [];
  const remarks: string[] = [];
  for (const key of named) {
    const pair = await keyPair(setup, key, columns, own);
    if ("impossible" in pair) {
      remarks.push(`${label}: ${key.name} could not be tried: ${pair.impossible}`);
    } else keys.push({ fence, key, pair, insert, fresh });
  }
  return { keys, remarks };
}

/** What a user's statements are answered, with the one key and the other. */
async function tryKey(setup: AttackSetup, tried: TriedKey, writer: Writer): Promise<Tried> {
  const { fence, key, pair } = tried;
  const violations: Violation[] = [];
  const remarks: string[] = [];
  for (const { what, write } of namings(setup, tried, writer)) {
    const hidden = await answerTo(setup, write(pair.hidden).statement);
    const missing = await answerTo(setup, write(pair.missing).statement);
    if (isOfTheKeyItself(key, hidden, missing) || isTaken(hidden) || isTaken(missing)) continue;
    if (told(hidden, pair) !== told(missing, pair)) {
      const object = fence.relation;
      const { redacted: statement } = write(anyKey(key));
      const answer = `${brief(hidden)} for another organization's row, ${brief(missing)} for one that does not exist`;
      const request = attackersRequest(setup);
      const shown = { who: writer.name, request, object, statement, answer };
      violations.push({ what: `${what} of ${writer.name}`, shown });
    } else if (provesNothing(hidden)) {
      remarks.push(`${fence.label}: ${key.name}: ${what} could not be tried: ${hidden.message}`);
    }
  }
  return { violations, remarks };
}

/** A unique key has the value already: what one over all organizations tells is `unique-across` of the audit. */
function isTaken(answer: Attempt): boolean {
  return answer.kind === "refused" && answer.sqlState === "23505" && !answer.inFunction;
}

/** Refused by neither a policy nor a foreign key, which are what is asked. */
function provesNothing(answer: Attempt): answer is Refused {
  if (answer.kind === "done") return false;
  return answer.sqlState !== "23503" && !(answer.sqlState === "42501" && answer.byPolicy);
}

/**
 * The key, or another over the same columns, accepts another organization's row and refuses one that does not
 * exist: the audit reports it.
 */
function isOfTheKeyItself({ namesOrganization }: NamedKey, hidden: Attempt, missing: Attempt) {
  const byKey = (one: Attempt) =>
    one.kind === "refused" && one.sqlState === "23503" && !one.inFunction;
  return !namesOrganization && byKey(missing) && (hidden.kind === "done" || byKey(hidden));
}

function namings(
  { own, tenancy }: AttackSetup,
  { fence, key, insert, fresh }: TriedKey,
  { tries }: Writer,
): readonly Naming[] {
  const column = ident(tenancy.column);
  const inserting = (organization: string | undefined) => (named: KeyValues) =>
    insert(organization, new Map([...fresh, ...named.values]));
  const updating = (more: readonly Sql[]) => (named: KeyValues) => {
    const sets = [...named.values].map(([name, value]) => sql`${ident(name)} = ${value}`);
    const statement = sql`UPDATE ${ident(fence.relation)} SET ${list([...sets, ...more])} WHERE ${column} = ${own}::uuid`;
    return { statement, redacted: statement };
  };
  const all = tries === "all statements" && key.ofTenants;
  return [
    ...(key.inserts
      ? [{ what: "an INSERT without an organization", write: inserting(undefined) }]
      : []),
    ...(all && key.inserts
      ? [{ what: "an INSERT for their organization", write: inserting(own) }]
      : []),
    ...(all && key.updates
      ? [
          { what: "an UPDATE", write: updating([]) },
          {
            what: "an UPDATE that takes the organization away",
            write: updating([sql`${column} = NULL`]),
          },
        ]
      : []),
  ];
}

function answerTo(setup: AttackSetup, statement: Sql): Promise<Attempt> {
  return attemptAlone(setup.queries, { as: attackersRequest(setup), statement });
}

/** All that a client gets, without the key that it has sent itself. */
function told(answer: Attempt, { hidden, missing }: KeyPair): string {
  if (answer.kind === "done") return `done: ${answer.rows}`;
  const keys = [...hidden.texts, ...missing.texts].filter((text) => text !== "");
  const escaped = keys.map((text) => text.replaceAll(/[\\^$.*+?()[\]{}|]/g, "\\$&"));
  const sent = new RegExp(`(?<![\\w-])(${escaped.join("|")})(?!\\w)`, "g");
  return JSON.stringify(answer, (_, value: unknown) =>
    typeof value === "string" ? value.replaceAll(sent, "…") : value,
  );
}

function brief(answer: Attempt): string {
  return answer.kind === "done" ? `${answer.rows} rows are written` : `SQLSTATE ${answer.sqlState}`;
}
