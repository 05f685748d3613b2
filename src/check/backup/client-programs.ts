import {
  type ClientPrograms,
  canRestoreInto,
  clientProgramsFor,
  dumpsOwnOptions,
} from "../../backup/programs/client-programs.ts";
import type { Check, Found } from "../check.ts";

export const clientPrograms: Check = {
  id: "client-programs",
  title: "pg_dump and pg_restore, of the server's version or a little later",
  why: "no stage begins without its backup, and an older pg_dump refuses a newer server",
  stops: [],
  async find({ snapshot: { server } }) {
    const serverMajor = Math.floor(server.version / 10_000);
    const programs = await clientProgramsFor(serverMajor);
    if (dumpsOwnOptions(programs, server.version)) return [olderThanServer(programs)];
    if (canRestoreInto(programs, serverMajor)) return [];
    return [
      {
        severity: "blocking",
        what: {
          object: programs.pgDump,
          fact: `is of version ${programs.major}, and the server of ${serverMajor}`,
        },
        why: "it sets transaction_timeout, which a server before 17 refuses: no backup could be restored where it came from",
        fix: `install PostgreSQL's client programs of version ${serverMajor} beside it (Debian, Ubuntu: apt-get install postgresql-client-${serverMajor}, where need be from apt.postgresql.org)`,
      },
    ];
  },
};

function olderThanServer({ pgDump, version, major }: ClientPrograms): Found {
  return {
    severity: "advisory",
    what: {
      object: pgDump,
      fact: `is of version ${version}, and writes options of columns (pg_attver) that the server keeps for itself`,
    },
    why: "a server of a minor version before November 2026 refuses them: the backup can be restored and verified on newer ones only",
    fix: `update PostgreSQL's client programs to their newest minor version (Debian, Ubuntu: apt-get install postgresql-client-${major})`,
  };
}
