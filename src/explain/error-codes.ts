import type { ErrorCode } from "../errors.ts";

/** What an error's code means, whatever its object is. */
export type ErrorExplanation = {
  readonly means: string;
  /** The state of the database and of the journal when the error is shown. */
  readonly state: string;
  readonly next: string;
};

const unchanged = "nothing was changed";
const checkpointed =
  "the failed step was rolled back; the steps before it are applied and recorded in the journal";

/** Every code, in words. `INTERNAL` is an error of Tenantry itself. */
export const errorExplanations: Readonly<Record<ErrorCode | "INTERNAL", ErrorExplanation>> = {
  CONFIG_INVALID: {
    means:
      "The configuration is not valid, or does not fit the database. The message lists every fault.",
    state: unchanged,
    next: "Fix each fault that is listed. docs/configuration.md describes every key.",
  },
  CONFIG_NOT_FOUND: {
    means:
      "This folder has no tenantry.config.ts, .json or .yaml, and --config does not name a file.",
    state: unchanged,
    next: "Change to the project's folder, or name the file with --config.",
  },
  CODE_NOT_FOUND: {
    means: "The patterns of the configuration's code section match no file.",
    state: unchanged,
    next: "Correct code.folder, code.app.include and code.functions.include.",
  },
  CODE_UNFENCED: {
    means:
      "Queries on tenant tables have no condition on the organization. The message lists each with its file, line and rule.",
    state: unchanged,
    next: "tenantry code rewrite shows the changes that it can make. Fix the other queries by hand, or annotate them with a reason.",
  },
  CODE_NOT_WRITTEN: {
    means: "A file could not be written.",
    state: "the files before it are changed; the same command changes only the files that are left",
    next: "Fix the cause that the message names, then run tenantry code rewrite --write again.",
  },
  FILES_EDITED: {
    means:
      "Somebody edited files of the application that Day 3 changes: after the stage was planned, or in the very lines that a rollback must change back. The message shows the lines.",
    state: "no file was changed",
    next: "In a rollback: restore these lines as they were before Day 3 and run tenantry rollback again, or keep all files as they are with --leave-files. In a run: run tenantry rollback, then run the stage again.",
  },
  GATE_FAILED: {
    means:
      "A command of code.gates succeeded before the application's files were changed and fails after. The message shows the last lines of its output.",
    state:
      "the files are changed, and the stage has changed nothing in the database; without a terminal, the stage has already rolled itself back",
    next: "Read the gate's output. tenantry rollback restores the files.",
  },
  USAGE: {
    means:
      "A command or an option is unknown, a value is not valid, or two options exclude each other.",
    state: unchanged,
    next: "tenantry --help, or tenantry <command> --help.",
  },
  STAGE_OUT_OF_ORDER: {
    means: "The stage depends on another stage that is not applied yet.",
    state: unchanged,
    next: "tenantry status shows which stage is next.",
  },
  STAGE_ALREADY_APPLIED: {
    means: "The stage is applied and verified.",
    state: unchanged,
    next: "tenantry --stage dayN --verify verifies it again.",
  },
  CONFIRMATION_NEEDED: {
    means:
      "A command that writes was not confirmed: the answer was no, or there is no terminal to ask on.",
    state: unchanged,
    next: "In a script, add --yes (for a restore: --confirm with the database's name).",
  },
  CONNECTION_FAILED: {
    means:
      "The server did not answer, or refused the role: wrong host, port, password or TLS settings, or too many connections.",
    state: `${unchanged}; if it was another session of a stage that was running, ${checkpointed}`,
    next: "Try the same URL with psql; the message contains the server's own error. tenantry check shows how many sessions are needed, and how many are free.",
  },
  CONNECTION_LOST: {
    means:
      "The session ended while a command was running: the server restarted, the network failed, or somebody ended the session.",
    state: checkpointed,
    next: "When the server answers, run the same command again. It continues after the last step that is recorded.",
  },
  PREFLIGHT_FAILED: {
    means: "A check found a problem that would make the stage fail, or leave a table unprotected.",
    state: unchanged,
    next: "Fix each problem with the command that is listed for it. tenantry check shows all of them.",
  },
  STATEMENT_FAILED: {
    means: "The server refused a statement. Its SQLSTATE is explained in the table below.",
    state: checkpointed,
    next: "Fix the cause, then tenantry run continues. tenantry rollback undoes the stage.",
  },
  LOCK_NOT_GRANTED: {
    means:
      "Other transactions held a lock for longer than lock_timeout, in every attempt of the step. The message lists these transactions.",
    state: checkpointed,
    next: "End these transactions or wait for them, then run tenantry run again.",
  },
  FILE_NOT_WRITTEN: {
    means:
      "A file could not be written: the disk is full, a quota is used up, or the file system is read-only. The message names the file.",
    state: "what was committed stays; tenantry status shows the state of the stages",
    next: "Free space there, or set TMPDIR if it is a temporary file, then run the same command again.",
  },
  BACKUP_FAILED: {
    means:
      "The backup could not be written or read: no disk space, a privilege is missing, pg_dump failed, or the backup is encrypted and there is no identity for it.",
    state: "nothing was changed; an unfinished backup is removed, or its name ends in .partial",
    next: "Fix the cause that the message names. No stage begins without a backup.",
  },
  BACKUP_TOOL_MISSING: {
    means: "pg_dump or pg_restore is missing, or older than the server or than the backup.",
    state: unchanged,
    next: "Install PostgreSQL's client programs of the server's version. For a server before 17, do not use 17 or later.",
  },
  BACKUP_DAMAGED: {
    means:
      "Files of the backup are missing, changed or extra, compared with the checksums in its manifest.",
    state: unchanged,
    next: "Use another backup: tenantry backup list.",
  },
  BACKUP_FOREIGN: {
    means: "The backup is of another database, or was made before another stage.",
    state: unchanged,
    next: "Use a backup of this database. tenantry restore --into restores any backup into a new database.",
  },
  RESTORE_FAILED: {
    means: "pg_restore failed, or the restored database differs from the backup.",
    state:
      "the live database is not changed; the message says whether the restored database was dropped",
    next: "Fix the cause that the message names, then run the same command again.",
  },
  RESTORE_REFUSED: {
    means:
      "The restore was not started: a stage can still be rolled back, the target database already exists, or the role may not replace it.",
    state: unchanged,
    next: "Run tenantry rollback first: it keeps the rows written since the backup, and a restore loses them.",
  },
  PROOF_BLOCKED: {
    means:
      "The isolation proof could not try everything, because other transactions held locks. This is no leak, but isolation is not proven.",
    state: "nothing was changed: the proof rolled back its own transactions",
    next: "When the transactions that the message names have ended, verify again.",
  },
  AUDIT_IMPOSSIBLE: {
    means:
      "The audit cannot start: a role of the configuration does not exist or, with --drift, no stage is applied.",
    state: unchanged,
    next: "Correct roles in the configuration, or apply Day 1 first.",
  },
  AUDIT_FAILED: {
    means:
      "The audit found ways to read or change another tenant's rows, or something that the fence stands on was changed and not accepted.",
    state: unchanged,
    next: "Run the SQL that is shown for each finding, or accept the finding in audit.accepted with a reason and a date; drift also with tenantry audit --drift --accept.",
  },
  REHEARSAL_FAILED: {
    means: "A stage, or its rollback, failed on the copy. It would fail on the database too.",
    state: "nothing was changed in the database: only a copy was",
    next: "Fix the cause, then run tenantry rehearse again.",
  },
  REHEARSAL_UNREADABLE: {
    means: "A rehearsal's file is incomplete, or another version of Tenantry wrote it.",
    state: unchanged,
    next: "Remove the file. If you want its predictions, run tenantry rehearse again.",
  },
  GIT_FAILED: {
    means: "git refused to make the tag, or git.required is set and there is nothing to tag.",
    state: unchanged,
    next: "Fix what git reports, or set git.required to false.",
  },
  SERVER_NOT_STARTED: {
    means:
      "The scratch server did not start, or could not be stopped. A demo, a rehearsal or the verification of a backup uses one.",
    state: unchanged,
    next: "Read the server's log in the message, or name a server with --scratch.",
  },
  JOURNAL_INCOMPATIBLE: {
    means:
      "The schema tenantry belongs to another version of Tenantry, is incomplete, or was edited.",
    state: unchanged,
    next: "Use the version of Tenantry that the message names, or that wrote it. Each stage's rollback.sql needs psql alone.",
  },
  NOTHING_TO_ROLL_BACK: {
    means: "No stage is applied or running, or not the one that was named.",
    state: unchanged,
    next: "tenantry status shows the state of every stage.",
  },
  ROLLBACK_REFUSED: {
    means:
      "A guard found a problem: objects of others depend on the stage, or rows would be lost or shown to another organization.",
    state: unchanged,
    next: "Fix each problem that is listed. If you accept them, add --despite-guards.",
  },
  ATTRIBUTION_REFUSED: {
    means: "The folder does not hold the row ownership that a rollback of this stage saved.",
    state: unchanged,
    next: "Name the folder that tenantry rollback printed. Its name ends in -attribution.",
  },
  FINGERPRINT_DIFFERS: {
    means:
      "After a rollback the schema is not the same as before the stage. The message lists the differences.",
    state:
      "the stage is undone; the objects listed were changed by somebody else, or rows violate a constraint that was valid before",
    next: "Compare the list with the changes that others made since. If a constraint is NOT VALID, correct the rows and validate it. If neither explains a difference, it is a bug in Tenantry: please report it.",
  },
  VERIFICATION_FAILED: {
    means:
      "A claim about the stage does not hold or could not be tried, or something is open around the fence that nobody accepted. What is shown says which.",
    state:
      "the verification rolled back everything that it wrote; a run without a terminal then rolls the stage back",
    next: "Fix what is listed (--fix-sql writes the SQL) and verify again, accept it in audit.accepted with a reason and a day, or run tenantry rollback.",
  },
  CERTIFICATE_UNREADABLE: {
    means:
      "The file is not a certificate, was edited, or has a format that this version of Tenantry does not know.",
    state: unchanged,
    next: "Name a file that tenantry verify --certificate wrote, or check it with the version that wrote it.",
  },
  CERTIFICATE_FAILED: {
    means:
      "A certificate does not hold: it is of another database, the schema or the fence changed, its signature is wrong or missing, an acceptance has ended, or the verification that it tells of was not green. With verify --certificate: the schema changed while it was verified.",
    state: unchanged,
    next: "Look at what is listed, then verify again with tenantry verify --certificate.",
  },
  LEASE_HELD: {
    means:
      "Another run of Tenantry works on this database. The message names it and when it started.",
    state: unchanged,
    next: "Wait until it ends. The lease of a killed run is free as soon as its session has ended.",
  },
  LEASE_LOST: {
    means: "The lease could not be renewed, or another run took it.",
    state: checkpointed,
    next: "tenantry status shows what the other run does. Then run the same command again.",
  },
  INTERRUPTED: {
    means: "The command was interrupted by Ctrl-C or a signal, and stopped after its statement.",
    state:
      "the interrupted step is rolled back, or keeps its committed batches; the steps before it are applied and recorded in the journal",
    next: "tenantry run continues; tenantry rollback undoes the stage.",
  },
  INTERNAL: {
    means: "An internal error: this is a bug in Tenantry.",
    state: "what was committed stays, and is recorded in the journal",
    next: "Run the command again with --debug, and report the output.",
  },
};
