import { describe, expect, inject, test } from "vitest";
import { z } from "zod";
import { audit } from "../../src/audit/audit.ts";
import type { BrokenFence, Mutant } from "../../src/audit/rule.ts";
import { rules } from "../../src/audit/rules/index.ts";
import type { Finding } from "../../src/events/finding.ts";
import { type SmallCompany, smallCompanies } from "../../src/mutation/small-company.ts";
import { withFencedCompany } from "../../src/operations/copy/fenced-company.ts";
import { type Queries, sqlState } from "../../src/postgres/connection.ts";
import { rolledBack } from "../../src/postgres/rolled-back.ts";
import { ident, raw, sql } from "../../src/postgres/sql.ts";
import { thorough } from "../setup/thorough.ts";

const told = ({ id, object, fact }: Finding) => `${id}: ${object}: ${fact}`;

const isStatement = ({ fix }: Finding) => !fix.startsWith("--");

const users = {
  supabase: {
    setting: "request.jwt.claims",
    value: '{"sub": "00000000-0000-4000-8000-000000000004", "role": "authenticated"}',
  },
  plain: { setting: "app.user_id", value: "4" },
};

/** The rows that a member of Alpha sees; an error's SQLSTATE where the statement fails. */
async function seenBy(queries: Queries, { kind, role }: SmallCompany): Promise<string> {
  const { setting, value } = users[kind];
  await queries.execute(sql`SAVEPOINT member`);
  try {
    await queries.execute(sql`SET LOCAL ROLE ${ident(role)}`);
    await queries.execute(sql`SELECT set_config(${setting}, ${value}, TRUE)`);
    const [row] = await queries.rows(
      sql`SELECT format('%s leads, %s calls, %s countries', (SELECT count(*) FROM leads), (SELECT count(*) FROM calls), (SELECT count(*) FROM countries)) AS seen`,
      z.object({ seen: z.string() }),
    );
    return row?.seen ?? "";
  } catch (error) {
    return sqlState(error) ?? String(error);
  } finally {
    await queries.execute(sql`ROLLBACK TO SAVEPOINT member`);
  }
}

async function carriedOut(queries: Queries, { fix }: Finding): Promise<string | undefined> {
  await queries.execute(sql`SAVEPOINT fix`);
  try {
    await queries.execute(raw(fix.replace(/^BEGIN; /, "").replace(/ COMMIT;$/, "")));
    return undefined;
  } catch (error) {
    await queries.execute(sql`ROLLBACK TO SAVEPOINT fix`);
    return error instanceof Error ? error.message : String(error);
  }
}

type Asked = {
  readonly company: SmallCompany;
  readonly fence: BrokenFence;
  readonly whole: ReadonlySet<string>;
  readonly seen: string;
};

/** What is wrong with the fixes of one broken fence; the transaction is the caller's. */
async function faultsOf(
  queries: Queries,
  mutant: Mutant & { readonly kind: "damage" },
  { company, fence, whole, seen }: Asked,
): Promise<string[]> {
  for (const statement of mutant.damage(fence)) await queries.execute(statement);
  const damaged = await seenBy(queries, company);
  const found = (await audit(queries, fence, rules)).filter((one) => !whole.has(told(one)));
  const faults: string[] = [];
  const known = new Set(found.map(told));
  const carried = found.filter(isStatement);
  for (const finding of carried) {
    const fault = await carriedOut(queries, finding);
    if (fault !== undefined) faults.push(`${told(finding)}: ${finding.fix}: ${fault}`);
  }
  const left = (await audit(queries, fence, rules)).filter((one) => !whole.has(told(one)));
  for (const one of left) {
    if (!known.has(told(one))) faults.push(`a fix opened ${told(one)}`);
    if (isStatement(one)) faults.push(`is still there: ${told(one)}: ${one.fix}`);
  }
  const after = await seenBy(queries, company);
  // A fence that was silent before the fixes may stay so; one that shows more may not.
  const allowed = damaged === "42501" || damaged.startsWith("0 leads") ? [seen, damaged] : [seen];
  if (carried.length === found.length && found.length > 0 && !allowed.includes(after)) {
    faults.push(
      `a member sees ${after} after the fixes, and saw ${seen}: ${carried.map(({ fix }) => fix).join(" ")}`,
    );
  }
  return faults.map((fault) => `${mutant.name}: ${fault}`);
}

describe("the SQL that fixes a finding", { timeout: 600_000 }, () => {
  test.concurrent.each(smallCompanies)(
    "ends the finding, opens nothing else, and leaves members their rows: $kind",
    async (company) => {
      const server = { url: inject("databaseUrl") };
      const faults = await withFencedCompany(server, company, async ({ session, fence }) => {
        const { whole, seen } = await rolledBack(session, async (queries) => ({
          whole: new Set((await audit(queries, fence, rules)).map(told)),
          seen: await seenBy(queries, company),
        }));
        expect([...whole]).toEqual([]);
        expect(seen).toBe("60 leads, 60 calls, 2 countries");
        const all: string[] = [];
        const turn = company.kind === "plain" ? 1 : 0;
        for (const [index, mutant] of rules.flatMap((rule) => rule.mutants).entries()) {
          if (mutant.kind === "pretence") continue;
          // What both companies have is broken in one of them.
          if (!thorough && mutant.identity === undefined && index % 2 !== turn) continue;
          if (mutant.identity !== undefined && mutant.identity !== fence.identity) continue;
          if ((mutant.since ?? 0) * 10_000 > fence.serverVersion) continue;
          all.push(
            ...(await rolledBack(session, (queries) =>
              faultsOf(queries, mutant, { company, fence, whole, seen }),
            )),
          );
        }
        return all;
      });
      expect(faults).toEqual([]);
    },
  );
});
