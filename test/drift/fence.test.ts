import { describe, expect, inject, test } from "vitest";
import { type SmallCompany, smallCompanies } from "../../src/mutation/small-company.ts";
import { withFencedCompany } from "../../src/operations/copy/fenced-company.ts";
import { nestedSession } from "../../src/postgres/nested-session.ts";
import { rolledBack } from "../../src/postgres/rolled-back.ts";
import { raw } from "../../src/postgres/sql.ts";
import { driftSince } from "../../src/verify/drift/drift.ts";
import { oldestAndNewest, serverOf } from "../setup/majors.ts";
import { type Change, damages, harmless } from "./changes.ts";

/** What each change shows, a line for each finding. */
async function shown(
  server: { readonly url: string },
  company: SmallCompany,
  major: number,
  changes: readonly Change[],
): Promise<ReadonlyMap<Change, string>> {
  const applicable = changes.filter(
    ({ only, since = 0, until = 99 }) =>
      (only ?? company.kind) === company.kind && major >= since && major <= until,
  );
  return withFencedCompany(server, company, async ({ session, settings, left }) => {
    const all = new Map<Change, string>();
    for (const change of applicable) {
      const names = { app: company.role, login: company.login };
      const lines = await rolledBack(session, async (queries) => {
        for (const statement of change.does(names)) await queries.execute(raw(statement));
        const inside = nestedSession(session, queries);
        const { findings, unproven } = await driftSince(inside, settings, left);
        const lines = findings.map(({ object, fact }) => `${object}: ${fact}`);
        const byHand = findings.every(({ fix }) => fix.startsWith("--"));
        for (const { fix } of findings) {
          // Here, a transaction is open already.
          const statement = fix.replace(/^BEGIN; | COMMIT;$/g, "");
          if (!statement.startsWith("--")) await queries.execute(raw(statement));
        }
        const fixed = byHand ? [] : (await driftSince(inside, settings, left)).findings;
        const remains = fixed.map(({ object, fact }) => `not fixed: ${object}: ${fact}`);
        return [...lines, ...remains, ...unproven];
      });
      all.set(change, lines.join("\n"));
    }
    return all;
  });
}

async function expectNoticed(
  server: { readonly url: string },
  company: SmallCompany,
  major: number,
): Promise<void> {
  const found = await shown(server, company, major, damages);
  const unsaid = [...found].filter(
    ([{ words }, lines]) =>
      !words.every((one) => lines.includes(one)) || lines.includes("not fixed: "),
  );
  expect(unsaid.map(([{ name, words }, lines]) => ({ name, words, lines }))).toEqual([]);
  expect(found.size).toBeGreaterThanOrEqual(50);
}

async function expectSilent(
  server: { readonly url: string },
  company: SmallCompany,
  major: number,
): Promise<void> {
  const found = await shown(server, company, major, harmless);
  const flagged = [...found].filter(([, lines]) => lines !== "");
  expect(flagged.map(([{ name }, lines]) => ({ name, lines }))).toEqual([]);
  expect(found.size).toBeGreaterThanOrEqual(30);
}

describe.each(smallCompanies)(
  "what the fence stands on, on $kind",
  { timeout: 600_000 },
  (company) => {
    const server = { url: inject("databaseUrl") };

    test("each damage is noticed, and told in its words", () => expectNoticed(server, company, 15));

    test("nothing harmless is taken for one", () => expectSilent(server, company, 15));
  },
);

describe.each(oldestAndNewest)(
  "what the fence stands on, on PostgreSQL %i",
  { timeout: 600_000 },
  (major) => {
    test("each damage is noticed, and nothing harmless is taken for one", async () => {
      const [company] = smallCompanies;
      if (company === undefined) throw new Error("there is no company");
      const { url } = await serverOf(major);
      await expectNoticed({ url }, company, major);
      await expectSilent({ url }, company, major);
    });
  },
);
