import { describe, expect, test } from "vitest";
import { sql } from "../../src/postgres/sql.ts";
import { stageNames } from "../../src/steps/model/stage.ts";
import { createDatabase } from "../setup/database.ts";
import { versions } from "../setup/majors.ts";
import { daysOn } from "../three-days/in-process.ts";
import {
  expectFingerprint,
  type Fingerprint,
  fingerprintOf,
  texts,
} from "../three-days/three-days.ts";
import { makePartitionedDialler, partitionedDialler } from "./dialler.ts";

describe.each(versions)("PostgreSQL $version", ({ version, start }) => {
  test.each([
    ["online", 0],
    ["at once", 64 * 1024 * 1024],
  ] as const)(
    "partitioned tables are taken through three days and back, %s",
    async (how, limit) => {
      const server = await start();
      const { session, url } = await createDatabase(`partitions ${how} ${version}`, server.url);
      await makePartitionedDialler(session);
      const days = await daysOn(url, {
        ...partitionedDialler,
        online: { ...partitionedDialler.online, smallTableInBytes: limit },
      });
      const rows = () =>
        texts(session, sql`SELECT id || ' ' || at || said AS text FROM call_logs ORDER BY 1`);
      const before = await rows();

      const fingerprints = new Map<string, Fingerprint>();
      for (const stage of stageNames) {
        fingerprints.set(stage, await fingerprintOf(session));
        await days.run(stage);
      }
      for (const stage of stageNames) await days.verify(stage);
      expect(await rows()).toEqual(before);
      for (const stage of stageNames.toReversed()) {
        await days.rollBack(stage);
        await expectFingerprint(session, fingerprints.get(stage) ?? (await fingerprintOf(session)));
      }
      expect(await rows()).toEqual(before);
    },
    120_000,
  );
});
