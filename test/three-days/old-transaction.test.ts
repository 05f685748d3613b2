import { onTestFinished, test } from "vitest";
import { openSession } from "../../src/postgres/connection.ts";
import { sql } from "../../src/postgres/sql.ts";
import { createDatabase } from "../setup/database.ts";
import { makeProject } from "../setup/project.ts";
import { makePlainApplication, plainConfig } from "./plain-application.ts";
import { fingerprintOf, rollAllBack, runAndVerify } from "./three-days.ts";

test("a transaction that stays open in another database of the server fails nothing", async () => {
  const [other, { session, url }] = await Promise.all([
    createDatabase("old transaction, its database"),
    createDatabase("old transaction, the application"),
  ]);
  await makePlainApplication(session);
  const before = await fingerprintOf(session);
  const project = await makeProject(url, plainConfig({ kind: "setting", setting: "app.user_id" }));
  const open = await openSession({ url: other.url }, "old transaction");
  onTestFinished(() => open.close());
  await open.execute(sql`BEGIN`);
  await open.execute(sql`SELECT pg_current_xact_id()`);

  await runAndVerify(project);
  await rollAllBack(project, session, before);
});
