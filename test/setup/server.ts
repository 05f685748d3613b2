import { PostgreSqlContainer } from "@testcontainers/postgresql";
import { getContainerRuntimeClient } from "testcontainers";
import type { TestProject } from "vitest/node";
import { chooseForDemo, findPgDump } from "../../src/backup/programs/pg-dump.ts";
import { findServerBinaries } from "../../src/scratch/binaries.ts";
import { startServer } from "../../src/scratch/server.ts";

declare module "vitest" {
  interface ProvidedContext {
    databaseUrl: string;
  }
}

type TestServer = { url: string; origin: string; stop(): Promise<void> };

/** Leaves the server running after a failure, to look into the databases that were kept. */
const keep = process.env["TENANTRY_TEST_KEEP"] === "1";

/** Finds or starts the one server that all tests share, and says which it is. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const server = givenServer() ?? (await containerServer()) ?? (await ownServer());
  console.log(`tests run on ${server.origin}`);
  project.provide("databaseUrl", server.url);
  return async () => {
    if (keep && project.vitest.state.getCountOfFailedTests() > 0) {
      console.log(`kept for its failed tests' databases: ${server.url}`);
    } else {
      await server.stop();
    }
  };
}

function givenServer(): TestServer | undefined {
  const url = process.env["TENANTRY_TEST_DATABASE_URL"];
  if (url === undefined || url === "") return undefined;
  return { url, origin: "TENANTRY_TEST_DATABASE_URL", stop: async () => undefined };
}

async function containerServer(): Promise<TestServer | undefined> {
  try {
    await getContainerRuntimeClient();
  } catch (error) {
    console.log(`testcontainers skipped, no Docker engine answers: ${messageOf(error)}`);
    return undefined;
  }
  // A pg_dump that is older than the server would refuse it.
  const image = `postgres:${(await findPgDump())?.major ?? 17}-alpine`;
  try {
    const container = await new PostgreSqlContainer(image).start();
    return {
      url: container.getConnectionUri(),
      origin: `${image} by testcontainers`,
      stop: async () => {
        await container.stop();
      },
    };
  } catch (error) {
    console.log(`testcontainers skipped, ${image} did not start: ${messageOf(error)}`);
    return undefined;
  }
}

async function ownServer(): Promise<TestServer> {
  const [newest] = await findServerBinaries();
  const binaries = (await findPgDump()) === undefined ? newest : (await chooseForDemo()).binaries;
  if (binaries === undefined) throw new Error("no PostgreSQL server to test on");
  const server = await startServer({ binaries, outlivesProcess: keep });
  return {
    url: server.url,
    origin: `PostgreSQL ${binaries.version}, ${binaries.origin}`,
    stop: server.stop,
  };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
