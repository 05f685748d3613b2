/** The exit codes of the command line, by meaning. */
export const exitCodes = {
  done: 0,
  failed: 1,
  usage: 2,
  verification: 3,
  leaseHeld: 4,
  interrupted: 130,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** Every code an error of Tenantry can have, with the exit code it leads to. */
export const errorCodes = {
  CONFIG_INVALID: exitCodes.usage,
  CONFIG_NOT_FOUND: exitCodes.usage,
  CODE_NOT_FOUND: exitCodes.usage,
  CODE_UNFENCED: exitCodes.verification,
  CODE_NOT_WRITTEN: exitCodes.failed,
  FILES_EDITED: exitCodes.failed,
  GATE_FAILED: exitCodes.verification,
  USAGE: exitCodes.usage,
  STAGE_OUT_OF_ORDER: exitCodes.usage,
  STAGE_ALREADY_APPLIED: exitCodes.usage,
  CONFIRMATION_NEEDED: exitCodes.usage,
  CONNECTION_FAILED: exitCodes.failed,
  CONNECTION_LOST: exitCodes.failed,
  PREFLIGHT_FAILED: exitCodes.failed,
  STATEMENT_FAILED: exitCodes.failed,
  LOCK_NOT_GRANTED: exitCodes.failed,
  FILE_NOT_WRITTEN: exitCodes.failed,
  BACKUP_FAILED: exitCodes.failed,
  BACKUP_TOOL_MISSING: exitCodes.failed,
  BACKUP_DAMAGED: exitCodes.verification,
  BACKUP_FOREIGN: exitCodes.usage,
  RESTORE_FAILED: exitCodes.failed,
  RESTORE_REFUSED: exitCodes.failed,
  PROOF_BLOCKED: exitCodes.failed,
  AUDIT_IMPOSSIBLE: exitCodes.usage,
  AUDIT_FAILED: exitCodes.verification,
  REHEARSAL_FAILED: exitCodes.failed,
  REHEARSAL_UNREADABLE: exitCodes.usage,
  GIT_FAILED: exitCodes.failed,
  SERVER_NOT_STARTED: exitCodes.failed,
  JOURNAL_INCOMPATIBLE: exitCodes.failed,
  NOTHING_TO_ROLL_BACK: exitCodes.usage,
  ROLLBACK_REFUSED: exitCodes.failed,
  ATTRIBUTION_REFUSED: exitCodes.usage,
  FINGERPRINT_DIFFERS: exitCodes.verification,
  VERIFICATION_FAILED: exitCodes.verification,
  CERTIFICATE_UNREADABLE: exitCodes.usage,
  CERTIFICATE_FAILED: exitCodes.verification,
  LEASE_HELD: exitCodes.leaseHeld,
  LEASE_LOST: exitCodes.leaseHeld,
  INTERRUPTED: exitCodes.interrupted,
} as const satisfies Record<string, ExitCode>;

export type ErrorCode = keyof typeof errorCodes;

export type ErrorFacts = {
  readonly code: ErrorCode;
  /** What the error is about: a table, a step, a file, a database. */
  readonly object: string;
  /** What happened, without the object's name. */
  readonly fault: string;
  /** The state things are in now. */
  readonly state: string;
  /** What to do next: a command where there is one. */
  readonly next: string;
  /** Further lines: failing rows, every fault of a configuration, blockers. */
  readonly details?: readonly string[];
  readonly cause?: unknown;
};

/** An error that a user can cause or meet: what failed, on what, the state now, and the next command. */
export class AppError extends Error {
  readonly code: ErrorCode;
  readonly object: string;
  readonly fault: string;
  readonly state: string;
  readonly next: string;
  readonly details: readonly string[];

  constructor(facts: ErrorFacts) {
    super(
      `${facts.object}: ${facts.fault}`,
      facts.cause === undefined ? undefined : { cause: facts.cause },
    );
    this.name = "AppError";
    this.code = facts.code;
    this.object = facts.object;
    this.fault = facts.fault;
    this.state = facts.state;
    this.next = facts.next;
    this.details = facts.details ?? [];
  }

  get exitCode(): ExitCode {
    return errorCodes[this.code];
  }
}

/** The message of what was thrown, which can be a value that is not an error. */
export function messageOf(error: unknown): string {
  if (error instanceof Error) return error.message;
  return typeof error === "string" ? error : "a value that is not an error was thrown";
}

/** Errors of the operating system that are no matter of privileges. */
const diskFaults: ReadonlyMap<unknown, string> = new Map([
  ["ENOSPC", "the disk is full: free space on it (df -h; if df -i shows 100 %, remove files)"],
  ["EDQUOT", "the disk quota is used up: free space, or have the quota raised"],
  ["EROFS", "the file system is read-only: mount it read-write"],
]);

/**
 * What to do about a disk that takes nothing more; undefined if that is not the error's cause.
 * @param elsewhere what to do instead of it
 */
export function diskFix(error: unknown, elsewhere: string): string | undefined {
  for (let one = error; one instanceof Error; one = one.cause) {
    const fix = "code" in one ? diskFaults.get(one.code) : undefined;
    if (fix !== undefined) return `${fix}; or ${elsewhere}`;
  }
  return undefined;
}
