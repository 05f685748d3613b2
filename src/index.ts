/**
 * What a program can do with Tenantry: the same operations that the command line calls. Settings, a
 * session and somebody to ask go in; events and results come out as data.
 */
export { type Config, defineConfig } from "./config/schema.ts";
export { AppError, type ErrorCode } from "./errors.ts";
export type { Listener, RunEvent } from "./events/events.ts";
export type { CheckResult, StageVerification } from "./events/verification.ts";
export { type AuditResult, auditDatabase } from "./operations/audit.ts";
export { backUp, listBackups } from "./operations/backups/back-up.ts";
export { type RestoreRequest, type RestoreResult, restore } from "./operations/backups/restore.ts";
export {
  findBackup,
  type VerifiedBackup,
  type VerifyBackupRequest,
  verifyBackup,
} from "./operations/backups/verify-backup.ts";
export {
  type CertifyRequest,
  type CertifyResult,
  type CheckCertificateRequest,
  type CheckCertificateResult,
  certifyStage,
  checkCertificate,
} from "./operations/certificate.ts";
export { type CheckReport, checkDatabase } from "./operations/check.ts";
export {
  type Confirmation,
  type FailureDecision,
  type Questions,
  type StageFailure,
  unattended,
} from "./operations/context/caller.ts";
export { type OpenOptions, openWorkspace } from "./operations/context/open-workspace.ts";
export type { Workspace } from "./operations/context/workspace.ts";
export {
  type AcceptedDrift,
  acceptDrift,
  type DriftResult,
  readDrift,
} from "./operations/drift.ts";
export { type FenceRequest, type FenceResult, fenceTables } from "./operations/fence-tables.ts";
export { type PlannedStages, planScript, planStages } from "./operations/plan-stages.ts";
export { type RehearseRequest, type RehearseResult, rehearse } from "./operations/rehearse.ts";
export {
  type RollbackRequest,
  type RollbackResult,
  rollBackStages,
  rollbackScripts,
} from "./operations/roll-back.ts";
export {
  rollbackWindow,
  type WindowRequest,
  type WindowResult,
} from "./operations/rollback-window.ts";
export { type RunRequest, type RunResult, runStages } from "./operations/run-stages.ts";
export { type SelfTestResult, selfTest } from "./operations/self-test.ts";
export { readStatus, type StageStatus, type Status } from "./operations/status.ts";
export { type VerifyRequest, type VerifyResult, verifyStage } from "./operations/verify-stage.ts";
