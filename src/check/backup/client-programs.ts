import {
  type ClientPrograms,
  canRestoreInto,
  clientProgramsFor,
  dumpsOwnOptions,
} from "../../backup/programs/client-programs.ts";
import type { Found, PreflightCheck } from "../check.ts";

export const clientPrograms: PreflightCheck = {
  id: "client-programs",
  title: "pg_dump and pg_restore, of a version that fits the server",
  why: "no stage starts without a backup, and pg_dump refuses a server that is newer than itself",
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
          fact: `is version ${programs.major}, and the server is version ${serverMajor}`,
        },
        why: "its dumps set transaction_timeout, which servers before 17 refuse: the backup could not be restored on this server",
        fix: `also install PostgreSQL's client programs of version ${serverMajor} (Debian, Ubuntu: apt-get install postgresql-client-${serverMajor}, if necessary from apt.postgresql.org)`,
      },
    ];
  },
};

function olderThanServer({ pgDump, version, major }: ClientPrograms): Found {
  return {
    severity: "advisory",
    what: {
      object: pgDump,
      fact: `is version ${version}, and dumps internal column options (pg_attver) of the server`,
    },
    why: "minor versions before November 2026 refuse these options: the backup can be restored and verified only on newer servers",
    fix: `update PostgreSQL's client programs to their newest minor version (Debian, Ubuntu: apt-get install postgresql-client-${major})`,
  };
}
