import { inject, onTestFinished } from "vitest";
import { openSession, type Session } from "../../src/postgres/connection.ts";
import { ident, sql } from "../../src/postgres/sql.ts";
import type { TestDatabase } from "../setup/database.ts";

/**
 * A copy of a database, changed by these statements; it goes with the test. Nobody may be connected to
 * what it is made from.
 */
export async function editedCopy(
  original: TestDatabase,
  ...statements: readonly string[]
): Promise<{ session: Session; url: string }> {
  const name = `${original.name.slice(0, 50)}_edited`;
  const server = await openSession({ url: inject("databaseUrl") }, "tenantry tests");
  await server.execute(sql`CREATE DATABASE ${ident(name)} TEMPLATE ${ident(original.name)}`);
  const url = new URL(original.url);
  url.pathname = `/${name}`;
  const session = await openSession({ url: url.href }, "tenantry tests");
  onTestFinished(async () => {
    await session.close();
    await server.execute(sql`DROP DATABASE ${ident(name)} WITH (FORCE)`);
    await server.close();
  });
  for (const statement of statements) await session.execute({ parts: [statement], values: [] });
  return { session, url: url.href };
}
