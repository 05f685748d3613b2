import { canRestoreInto, clientProgramsFor } from "../backup/client-programs.ts";
import type { Check } from "./check.ts";

export const clientPrograms: Check = {
  id: "client-programs",
  title: "pg_dump and pg_restore, of the server's version or a little later",
  why: "no stage begins without its backup, and an older pg_dump refuses a newer server",
  stops: [],
  async find({ snapshot: { server } }) {
    const serverMajor = Math.floor(server.version / 10_000);
    const programs = await clientProgramsFor(serverMajor);
    if (canRestoreInto(programs, serverMajor)) return [];
    return [
      {
        severity: "blocking",
        what: {
          object: programs.pgDump,
          fact: `is of version ${programs.major}, and the server of ${serverMajor}`,
        },
        why: "it sets transaction_timeout, which a server before 17 refuses: no backup could be restored where it came from",
        mend: `install PostgreSQL's client programs of version ${serverMajor} beside it (Debian, Ubuntu: apt-get install postgresql-client-${serverMajor}, where need be from apt.postgresql.org)`,
      },
    ];
  },
};
