import type { ErrorCode } from "../errors.ts";

/** What an error's code stands for, whatever its object is. */
export type ErrorExplanation = {
  readonly means: string;
  /** The state of the database and of the journal when it is seen. */
  readonly state: string;
  readonly next: string;
};

const untouched = "nothing was changed";
const checkpointed =
  "the failed step was rolled back; the steps before it are checkpointed in the journal";

/** Every code, in words. `INTERNAL` is a fault of Tenantry itself. */
export const errorExplanations: Readonly<Record<ErrorCode | "INTERNAL", ErrorExplanation>> = {
  CONFIG_INVALID: {
    means:
      "The configuration is not one, or does not fit the database. All of its faults are listed.",
    state: untouched,
    next: "Fix what is listed; docs/configuration.md has every key.",
  },
  CONFIG_NOT_FOUND: {
    means: "There is no tenantry.config.ts, .json or .yaml here, and --config names none.",
    state: untouched,
    next: "Go to the project's folder, or name the file with --config.",
  },
  CODE_NOT_FOUND: {
    means: "No file is where the configuration says that the application's code is.",
    state: untouched,
    next: "Say where it is in code.folder, code.app.include and code.functions.include.",
  },
  CODE_UNFENCED: {
    means:
      "Queries on tenant tables name no organization. Each is listed with its place and its rule.",
    state: untouched,
    next: "tenantry code rewrite shows what it would change; the rest needs a person, or an annotation with a reason.",
  },
  CODE_NOT_WRITTEN: {
    means: "A file could not be written.",
    state: "the files before it are changed; running it again changes only what is left",
    next: "Fix what the message names, then tenantry code rewrite --write again.",
  },
  FILES_EDITED: {
    means:
      "Files of the application that Day 3 changes were edited by somebody else: before it was there, or in the very lines that a rollback would take back. The lines are shown.",
    state: "no file was changed",
    next: "In a rollback: put these lines back as they were before Day 3 and run it again, or leave all files as they are with --leave-files. In a run: tenantry rollback, and run the stage again.",
  },
  GATE_FAILED: {
    means:
      "A command of code.gates that held before the application's files were changed does not hold after. The last lines of what it said are shown.",
    state:
      "the files are changed; nothing of the database was touched by the stage. A stage that runs without a terminal has rolled itself back",
    next: "tenantry rollback puts the files back; look at what the gate said.",
  },
  USAGE: {
    means: "A command, an option or its value is not one, or two options exclude each other.",
    state: untouched,
    next: "tenantry --help, or tenantry <command> --help.",
  },
  STAGE_OUT_OF_ORDER: {
    means: "A stage was asked for before the one that it stands on is applied.",
    state: untouched,
    next: "tenantry status says which stage is next.",
  },
  STAGE_ALREADY_APPLIED: {
    means: "The stage is applied and verified.",
    state: untouched,
    next: "tenantry --stage dayN --verify asks again whether it holds.",
  },
  CONFIRMATION_NEEDED: {
    means: "A command that writes was not confirmed: nobody could be asked, or said no.",
    state: untouched,
    next: "In a script, say --yes (or --confirm with the database's name, for a restore).",
  },
  CONNECTION_FAILED: {
    means:
      "The server did not answer, or did not let this role in: wrong host, port, password or TLS, or no more sessions are allowed.",
    state: `${untouched}; where it was a further session of a stage under way, ${checkpointed}`,
    next: "Try the same URL with psql; the message has the server's own words. tenantry check says how many sessions are needed, and how many are left.",
  },
  CONNECTION_LOST: {
    means:
      "The session ended midway: the server restarted, the network failed, or somebody ended it.",
    state: checkpointed,
    next: "Run the same command again when the server answers; it goes on where it stopped.",
  },
  PREFLIGHT_FAILED: {
    means: "A check found something that the stage would fail at, or would not protect.",
    state: untouched,
    next: "Fix what is listed, each with its command; tenantry check shows all of it.",
  },
  STATEMENT_FAILED: {
    means: "The server refused a statement. Its SQLSTATE says why: see the table below.",
    state: checkpointed,
    next: "Fix the cause and tenantry run again, or tenantry rollback.",
  },
  LOCK_NOT_GRANTED: {
    means:
      "Other transactions held a lock for longer than a step waits, every time that it tried. Who they are is listed.",
    state: checkpointed,
    next: "End or wait for those transactions, then tenantry run again.",
  },
  BACKUP_FAILED: {
    means:
      "The backup could not be made or read: no space, no privilege, pg_dump failed, or it is encrypted.",
    state: "nothing was changed, and nothing is left that looks like a backup",
    next: "Fix what the message names; no stage begins without a backup.",
  },
  BACKUP_TOOL_MISSING: {
    means: "pg_dump or pg_restore is missing, or older than the server or than the backup.",
    state: untouched,
    next: "Install PostgreSQL's client programs of the server's version; for a server before 17, none of 17 or later.",
  },
  BACKUP_DAMAGED: {
    means: "Files of the backup are missing, altered or extra, compared with its manifest.",
    state: untouched,
    next: "Use another backup: tenantry backup list.",
  },
  BACKUP_FOREIGN: {
    means: "The backup is of another database, or was made before another stage.",
    state: untouched,
    next: "Use a backup of this database; restore --into puts a foreign one into a database of its own.",
  },
  RESTORE_FAILED: {
    means: "pg_restore failed, or what it restored is not what was backed up.",
    state: "the database is as it was; what had been restored beside it is dropped",
    next: "Fix what the message names, then the same command again.",
  },
  RESTORE_REFUSED: {
    means:
      "The restore would be the wrong way now: a stage can still be rolled back, or the target is taken.",
    state: untouched,
    next: "tenantry rollback first; a restore loses what was written since the backup.",
  },
  PROOF_BLOCKED: {
    means:
      "The isolation proof could not try everything, since others held locks. That is no leak, and no proof.",
    state: "nothing was changed; the proof's own transactions were rolled back",
    next: "Verify again when the transactions that are named have ended.",
  },
  AUDIT_IMPOSSIBLE: {
    means:
      "The audit has nothing to stand on: a role of the configuration is missing, or, for --drift, no stage is applied.",
    state: untouched,
    next: "Fix roles in the configuration, or apply Day 1 first.",
  },
  AUDIT_FAILED: {
    means: "The audit found ways out for tenants' data, or a schema that has drifted.",
    state: untouched,
    next: "Fix each finding with its SQL, or accept it in audit.accepted with a reason and a date.",
  },
  REHEARSAL_FAILED: {
    means: "A stage, or its rollback, failed on the copy, so it would fail on the database.",
    state: "nothing was changed: it was a copy",
    next: "Fix the cause and tenantry rehearse again.",
  },
  REHEARSAL_UNREADABLE: {
    means: "A kept rehearsal is cut off, or of another version.",
    state: untouched,
    next: "Remove the file, and rehearse again where that is wanted.",
  },
  GIT_FAILED: {
    means: "The tag that was asked for could not be made.",
    state: untouched,
    next: "Fix what git said, or set git.required to false.",
  },
  SERVER_NOT_STARTED: {
    means: "The scratch server, for a demo, a rehearsal or a comparison, did not start.",
    state: untouched,
    next: "See the server's words in the message, or name a server with --scratch.",
  },
  JOURNAL_INCOMPATIBLE: {
    means: "The schema tenantry is of another version, incomplete, or was edited.",
    state: untouched,
    next: "Use the version of Tenantry that wrote it; each stage's rollback.sql needs psql alone.",
  },
  NOTHING_TO_ROLL_BACK: {
    means: "No stage, or not that one, has been begun.",
    state: untouched,
    next: "tenantry status says where the stages stand.",
  },
  ROLLBACK_REFUSED: {
    means:
      "A guard speaks against undoing: others have made things on it, or rows would be lost or mixed.",
    state: untouched,
    next: "Fix what is listed, or say --despite-guards where that is known and wanted.",
  },
  ATTRIBUTION_REFUSED: {
    means: "The folder does not hold what a rollback of this very stage kept.",
    state: untouched,
    next: "Name the folder that the rollback had said: its name ends in -attribution.",
  },
  FINGERPRINT_DIFFERS: {
    means:
      "After a rollback the schema is not what it was before the stage. The differences are listed.",
    state:
      "the stage is undone; what differs was changed by others, or rows violate a constraint that was valid before",
    next: "Compare the list with what others have changed since; of a constraint that is NOT VALID, correct the rows and validate it.",
  },
  VERIFICATION_FAILED: {
    means: "Something that the stage promises does not hold. The failing rows are listed.",
    state: "verification changes nothing; in a run, the stage undoes itself",
    next: "Fix what is listed and verify again, or tenantry rollback.",
  },
  LEASE_HELD: {
    means: "Another run works on this database now. Who it is, and since when, is said.",
    state: untouched,
    next: "Wait for it; a killed one frees its lease at once.",
  },
  LEASE_LOST: {
    means: "The lease could not be renewed, or another run took over.",
    state: checkpointed,
    next: "tenantry status says what the other does.",
  },
  INTERRUPTED: {
    means: "Ctrl-C, or a signal, was obeyed at the end of a statement.",
    state: checkpointed,
    next: "tenantry run goes on from there; tenantry rollback undoes the stage.",
  },
  INTERNAL: {
    means: "A fault of Tenantry itself: something was thrown that nobody had foreseen.",
    state: "what was committed stays, and is in the journal",
    next: "Run it again with --debug, and report what it says.",
  },
};
