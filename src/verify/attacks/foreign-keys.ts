import { z } from "zod";
import { ident, list, raw, type Sql, sql } from "../../postgres/sql.ts";
import { type Attempt, attempt, attemptThenUndo, withoutTriggers } from "../proof/attempt.ts";
import type { Tried } from "../proof/try-writes.ts";
import type { Violation } from "../proof/violation.ts";
import { type Insert, insertLike } from "../rows/insert-like.ts";
import { nonTransactionalTriggerOf } from "../rows/non-transactional-triggers.ts";
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

/** A key of a table, and who names it. */
type Question = {
  readonly setup: AttackSetup;
  readonly fence: AttackSetup["fences"][number];
  readonly key: NamedKey;
  readonly writer: Writer;
};

/** A statement that names a key. */
type Naming = { readonly what: string; readonly write: (key: KeyValues) => Promise<Insert> };

/**
 * Whether an answer tells another organization's row from one that does not exist: each statement is run
 * with both keys, and all that a client gets is compared. What a foreign key that does not name the
 * organization answers by itself is one finding of the audit, `foreign-key-across`.
 */
export async function tryForeignKeys(setup: AttackSetup): Promise<Tried> {
  const violations: Violation[] = [];
  const remarks: string[] = [];
  // A deferred key would answer at COMMIT only.
  const immediate = await attempt(setup.queries, sql`SET CONSTRAINTS ALL IMMEDIATE`);
  if (immediate.kind === "refused") {
    remarks.push(`keys that are deferred could not be tried: ${immediate.message}`);
  }
  const keys: Pick<Question, "fence" | "key">[] = [];
  for (const fence of setup.fences) {
    const trigger = await nonTransactionalTriggerOf(setup.queries, fence.relation);
    const named = await namedKeys(setup, fence);
    if (trigger === undefined) keys.push(...named.map((key) => ({ fence, key })));
    else if (named.length > 0) {
      remarks.push(
        `${fence.label} was not written to: a rollback does not undo its trigger ${trigger}`,
      );
    }
  }
  for (const writer of await writersOf(setup)) {
    await become(setup, writer);
    for (const one of keys) {
      const tried = await tryKey({ setup, writer, ...one });
      violations.push(...tried.violations);
      remarks.push(...tried.remarks);
    }
  }
  return { violations, remarks };
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

async function tryKey(question: Question): Promise<Tried> {
  const { setup, fence, key, writer } = question;
  const name = `${fence.label}: ${key.name}`;
  const pair = await keyPair(setup, fence, key, writer.organizations);
  if ("impossible" in pair) {
    return { violations: [], remarks: [`${name} could not be tried: ${pair.impossible}`] };
  }
  const violations: Violation[] = [];
  const remarks: string[] = [];
  for (const { what, write } of namings(question)) {
    const hidden = await answerTo(setup, (await write(pair.hidden)).statement);
    const missing = await answerTo(setup, (await write(pair.missing)).statement);
    if (isOfTheKeyItself(key, hidden, missing)) continue;
    const [one, other] = [told(hidden, pair), told(missing, pair)];
    const said = `${writer.name} names a row through ${what}`;
    if (one === other) {
      const proves = hidden.kind === "done" || ["23503", "42501"].includes(hidden.sqlState);
      if (!proves) remarks.push(`${name} could not be tried: ${what}: ${hidden.message}`);
    } else {
      violations.push({
        what: `${name}: ${said}, and the answer tells another organization's row from one that does not exist`,
        shown: {
          who: writer.name,
          request: attackersRequest(setup),
          object: fence.relation,
          statement: (await write(anyKey(key))).redacted,
          answer: `${brief(hidden)} for another organization's row, ${brief(missing)} for one that does not exist`,
        },
      });
    }
  }
  return { violations, remarks };
}

/** The key accepts another organization's row, and refuses one that does not exist: the audit reports it. */
function isOfTheKeyItself(
  { name, namesOrganization }: NamedKey,
  hidden: Attempt,
  missing: Attempt,
) {
  return (
    !namesOrganization &&
    hidden.kind === "done" &&
    missing.kind === "refused" &&
    missing.constraint === name
  );
}

function namings({ setup, fence, key, writer }: Question): readonly Naming[] {
  const { queries, settings, tenancy, own } = setup;
  const [location] = fence.testRows.locations;
  const table = ident(fence.relation);
  const column = ident(tenancy.column);
  const insert = (organization: string | undefined) => async (named: KeyValues) => {
    const access = { column: tenancy.column, role: settings.roles.signedIn, instead: named.values };
    return (await insertLike(queries, fence.relation, access, location))(organization);
  };
  const update = (more: readonly Sql[]) => async (named: KeyValues) => {
    const sets = [...named.values].map(([name, value]) => sql`${ident(name)} = ${value}`);
    const statement = sql`UPDATE ${table} SET ${list([...sets, ...more])} WHERE ${column} = ${own}::uuid`;
    return { statement, redacted: statement };
  };
  const unnamed = { what: "an INSERT without an organization", write: insert(undefined) };
  if (writer.tries === "one without an organization" || !key.ofTenants) {
    return key.inserts ? [unnamed] : [];
  }
  return [
    ...(key.inserts
      ? [unnamed, { what: "an INSERT for their organization", write: insert(own) }]
      : []),
    ...(key.updates
      ? [
          { what: "an UPDATE", write: update([]) },
          {
            what: "an UPDATE that takes the organization away",
            write: update([sql`${column} = NULL`]),
          },
        ]
      : []),
  ];
}

async function answerTo(setup: AttackSetup, statement: Sql): Promise<Attempt> {
  const request = attackersRequest(setup);
  const { outcome } = await attemptThenUndo(
    setup.queries,
    statement,
    request,
    async () => undefined,
  );
  return outcome;
}

/** All that a client gets, without the key that it has sent itself. */
function told(answer: Attempt, { hidden, missing }: KeyPair): string {
  if (answer.kind === "done") return `done: ${answer.rows}`;
  const text = JSON.stringify(answer);
  return [...hidden.texts, ...missing.texts].reduce(
    // A key of one digit is in many words.
    (left, key) => (key.length < 4 ? left : left.replaceAll(key, "…")),
    text,
  );
}

function brief(answer: Attempt): string {
  return answer.kind === "done" ? `${answer.rows} rows are written` : `SQLSTATE ${answer.sqlState}`;
}
