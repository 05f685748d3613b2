import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import type { Session } from "../../src/postgres/connection.ts";
import { sql } from "../../src/postgres/sql.ts";
import { createDatabase } from "../setup/database.ts";
import { makeProject } from "../setup/project.ts";
import { makePlainApplication, plainConfig } from "./plain-application.ts";
import { expectDone, fingerprintOf, rollAllBack, texts } from "./three-days.ts";

const config = plainConfig({ kind: "setting", setting: "app.user_id" });
const sizes = [
  ["small tables", 1024 * 1024],
  ["tables over the limit", 0],
] as const;

/** As most applications have it: whoever updates a row, the row says when. */
async function stampCustomers(session: Session): Promise<void> {
  await session.execute(sql`
    ALTER TABLE public.customer
      ADD COLUMN updated_at timestamptz NOT NULL DEFAULT '2020-01-01 00:00+00'
  `);
  await session.execute(sql`
    CREATE FUNCTION public.stamp()
    RETURNS trigger
    LANGUAGE plpgsql
    AS $$
    BEGIN
      NEW.updated_at := now();
      RETURN NEW;
    END
    $$
  `);
  await session.execute(sql`
    CREATE TRIGGER stamp
    BEFORE UPDATE ON public.customer
    FOR EACH ROW
    EXECUTE FUNCTION public.stamp()
  `);
}

test.each(sizes)(
  "rows keep the moment at which they were last updated: %s",
  async (title, smallTableInBytes) => {
    const { session, url } = await createDatabase(`stamped ${title}`);
    await makePlainApplication(session);
    await stampCustomers(session);
    const before = await fingerprintOf(session);
    const moments = sql`SELECT DISTINCT updated_at::text AS text FROM public.customer`;
    const stamped = await texts(session, moments);
    const project = await makeProject(url, { ...config, online: { smallTableInBytes } });

    expectDone(await project.tenantry("run", "--stage", "day1", "--yes"));
    expect(await texts(session, moments)).toEqual(stamped);
    await rollAllBack(project, session, before);
    expect(await texts(session, moments)).toEqual(stamped);
  },
);

test.each(sizes)(
  "which rows of a column that was there already had no organization is lost, and rollback.sql says so: %s",
  async (title, smallTableInBytes) => {
    const { session, url } = await createDatabase(`half done ${title}`);
    await makePlainApplication(session);
    await session.execute(sql`ALTER TABLE public.customer ADD COLUMN organization_id uuid`);
    const before = await fingerprintOf(session);
    const filled = sql`
      SELECT count(organization_id)::text AS text
        FROM public.customer
    `;
    const project = await makeProject(url, { ...config, online: { smallTableInBytes } });

    expectDone(await project.tenantry("run", "--stage", "day1", "--yes"));
    const [backup = ""] = (await readdir(path.join(project.folder, "backups"))).filter((name) =>
      name.startsWith("day1"),
    );
    const script = path.join(project.folder, "backups", backup, "rollback.sql");
    expect(await readFile(script, "utf8")).toContain(
      "-- Loses which rows of customer had no organization before.",
    );
    await rollAllBack(project, session, before);
    expect(await texts(session, filled)).toEqual(["60"]);
  },
);
