import { formatBytes } from "../../units.ts";
import type { Check } from "../check.ts";
import { expectGrowth } from "./growth.ts";

export const serverGrowth: Check = {
  id: "server-growth",
  title: "what the stages add to the server's disk",
  why: "SQL cannot ask the server how much its disk has left, and a full disk stops every writer",
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
        fix: "see that the server's disk has that much left (df on the server, or the provider's console)",
      },
    ];
  },
};
