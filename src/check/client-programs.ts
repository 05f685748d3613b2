import { clientProgramsFor } from "../backup/client-programs.ts";
import type { Check } from "./check.ts";

export const clientPrograms: Check = {
  id: "client-programs",
  title: "pg_dump and pg_restore, of the server's version or later",
  why: "no stage begins without its backup, and an older pg_dump refuses a newer server",
  stops: [],
  async find({ snapshot: { server } }) {
    await clientProgramsFor(Math.floor(server.version / 10_000));
    return [];
  },
};
