import { readFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import { z } from "zod";
import { sql } from "../../src/postgres/sql.ts";
import { expectDone } from "../three-days/three-days.ts";
import { type Example, makeExample, type Page, whyNoExample } from "./example.ts";

const missing = await whyNoExample();
if (missing !== undefined) console.log(`the example application is skipped: ${missing}`);

const alpha = "agent01@alpha.example";
const beta = "agent11@beta.example";
/** A member of both organizations. */
const both = "agent02@alpha.example";

/** A member of no organization at first. */
const nobody = "agent03@alpha.example";

const lead = (page: Page, name: string) => page.locator("li[data-lead]", { hasText: name });

async function upload(page: Page, name: string): Promise<void> {
  await page.getByLabel("Leads to upload").fill(`${name}, +49 30 ${Date.now()}`);
  await page.getByRole("button", { name: "Upload" }).click();
  await lead(page, name).waitFor();
}

test.skipIf(missing !== undefined)(
  "the dialler: what one organization uploads the other sees before Day 3, and never after, in a real browser",
  { timeout: 600_000 },
  async () => {
    const example = await makeExample();
    const { session, folder, tenantry, git } = example;

    // Before Day 3: a single-tenant application that two customers use.
    await example.build();
    await example.serve(async ({ openPage }) => {
      const [first, second] = [await openPage(alpha), await openPage(beta)];
      await upload(first, "Alpha's first lead");
      await second.getByText("New lead: Alpha's first lead").waitFor();
      await lead(second, "Alpha's first lead").waitFor();
      await second.screenshot({ path: path.join(folder, "..", "before.png") });
    });

    for (const stage of ["day1", "day2"]) {
      expectDone(await tenantry("run", "--yes", "--stage", stage));
    }
    await session.execute(sql`
      INSERT INTO organization_users (organization_id, user_id, role)
      SELECT o.id, u.id, 'member'
        FROM organizations o
        JOIN auth.users u ON u.email = ${both}
       WHERE o.slug = 'beta'
    `);
    expectDone(await tenantry("code", "scaffold", "--write"));
    await git("apply", "by-hand.patch");
    await git("add", "--all");
    await git("commit", "--message=organizations");
    const before = await example.digest();

    const run = await tenantry("run", "--yes", "--stage", "day3");
    expectDone(run);
    expect(run.stderr).toMatch(/build holds after it/);
    expect(await readFile(path.join(folder, "src/hooks/useLeads.ts"), "utf8")).toContain(
      "{ ...lead, user_id: userId, organization_id: organizationId }",
    );

    await example.serve(async ({ openPage, signIn, signOut, toldTo, callFunction }) => {
      const [first, second] = [await openPage(alpha), await openPage(beta)];
      const again = await openPage(alpha);
      await upload(first, "Alpha's second lead");
      // Alpha's other page gets the message; Beta's page gets only its own.
      await again.getByText("New lead: Alpha's second lead").waitFor();
      await upload(second, "Beta's own lead");
      await second.getByText("New lead: Beta's own lead").waitFor();
      expect(toldTo(again)).toContain("Alpha's second lead");
      expect(toldTo(second)).toContain("Beta's own lead");
      expect(toldTo(second)).not.toContain("Alpha's second lead");
      expect(await lead(second, "Alpha").count()).toBe(0);
      expect(await lead(first, "Beta").count()).toBe(0);
      await second.screenshot({ path: path.join(folder, "..", "after.png") });

      await first.getByLabel("New campaign").fill("Alpha's campaign");
      await first.getByRole("button", { name: "Create" }).click();
      await first.getByText("Alpha's campaign").waitFor();

      // A member of both chooses one, switches, and sees one at a time.
      const member = await openPage(both, "Alpha Corp");
      await lead(member, "Alpha's second lead").waitFor();
      expect(await lead(member, "Beta").count()).toBe(0);
      await member.getByLabel("Leads to upload").fill("a draft of Alpha's");
      await member.getByLabel("Organization").selectOption({ label: "Beta Inc" });
      await lead(member, "Beta's own lead").waitFor();
      expect(await lead(member, "Alpha").count()).toBe(0);
      expect(await member.getByLabel("Leads to upload").inputValue()).toBe("");

      // Another user in the same browser, with filled caches.
      await first.getByLabel("Leads to upload").fill("a draft of Alpha's");
      await signOut(first);
      await signIn(first, beta);
      await lead(first, "Beta's own lead").waitFor();
      expect(await lead(first, "Alpha").count()).toBe(0);
      expect(await first.getByLabel("Leads to upload").inputValue()).toBe("");

      // A user without an organization, until one is added.
      const membership = sql`
        SELECT o.id, u.id, 'member' FROM organizations o, auth.users u
         WHERE o.slug = 'alpha' AND u.email = ${nobody}
      `;
      await session.execute(sql`
        DELETE FROM organization_users
         WHERE user_id = (SELECT id FROM auth.users WHERE email = ${nobody})
      `);
      await signOut(first);
      await signIn(first, nobody);
      await first.getByText("You are not a member of any organization yet.").waitFor();
      await session.execute(
        sql`INSERT INTO organization_users (organization_id, user_id, role) ${membership}`,
      );
      await first.getByRole("button", { name: "Look again" }).click();
      await lead(first, "Alpha's second lead").waitFor();
      await first.getByText("Alpha Corp").waitFor();

      // The service role bypasses row-level security: only the function's own filter limits the rows.
      const [row] = await session.rows(
        sql`SELECT id::text FROM leads WHERE name = 'Alpha''s second lead'`,
        z.object({ id: z.string() }),
      );
      const body = { lead_id: row?.id, disposition: "interested" };
      expect(await callFunction("disposition-router", beta, body)).toBe(404);
      expect(await statusOf(example, "Alpha's second lead")).toBe("new");
      expect(await callFunction("disposition-router", alpha, body)).toBe(200);
      expect(await statusOf(example, "Alpha's second lead")).toBe("interested");
      expect(await callFunction("disposition-router", both, body)).toBe(400);
      await lead(again, "Alpha's second lead").getByRole("button").click();
      await again.getByLabel("Calls").getByText("Alpha's second lead").first().waitFor();
      expect(await callFunction("daily-report", alpha, {})).toBe(200);
    });

    expectDone(await tenantry("--stage", "day3", "--verify"));
    expectDone(await tenantry("rollback", "--yes", "--stage", "day3"));
    expect(await example.digest()).toBe(before);
  },
);

async function statusOf({ session }: Example, name: string): Promise<string | undefined> {
  const [row] = await session.rows(
    sql`SELECT status FROM leads WHERE name = ${name}`,
    z.object({ status: z.string() }),
  );
  return row?.status;
}
