import { formatBytes } from "../../number-formats.ts";
import type { PreflightCheck } from "../check.ts";
import { expectGrowth } from "./growth.ts";

export const serverGrowth: PreflightCheck = {
  id: "server-growth",
  title: "the disk space that the stages need on the server",
  why: "SQL cannot show how much disk space the server has left, and a full disk stops every writer",
  stops: [],
  async find(context) {
    const { bytes, walBytes, tables } = await expectGrowth(context);
    if (tables === 0) return [];
    return [
      {
        severity: "advisory",
        what: {
          object: context.snapshot.server.database,
          fact: `may grow by ${formatBytes(bytes)}, with ${formatBytes(walBytes)} of write-ahead log`,
        },
        fix: "make sure that the server has that much free disk space (df on the server, or the provider's console)",
      },
    ];
  },
};
