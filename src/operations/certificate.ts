import type { KeyObject } from "node:crypto";
import { open, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { rules } from "../audit/rules/index.ts";
import { readFenceState } from "../catalog/fence/state.ts";
import { readSnapshot, type Snapshot } from "../catalog/snapshot.ts";
import { readDatabaseIdentity } from "../catalog/system-identifier.ts";
import type { Certificate, Content } from "../certificate/certificate.ts";
import {
  type Difference,
  differencesInItself,
  differencesOfDatabase,
  differencesOfStanding,
  otherVersions,
} from "../certificate/check.ts";
import { contentOf } from "../certificate/content.ts";
import { readCertificate, writtenCertificate } from "../certificate/read.ts";
import {
  faultsOfSignature,
  keyFingerprint,
  readPrivateKey,
  readPublicKey,
  signContent,
} from "../certificate/sign.ts";
import { compareStandings, type Standing, standingIn } from "../certificate/standing.ts";
import { today } from "../config/accepted.ts";
import { AppError, diskFix, messageOf } from "../errors.ts";
import { type Run, readRuns } from "../journal/journal.ts";
import { mutants } from "../mutation/mutants/index.ts";
import { counted } from "../number-formats.ts";
import type { Session, Target } from "../postgres/connection.ts";
import { sessionSettings } from "../postgres/session-settings.ts";
import { withSession } from "../postgres/sessions.ts";
import { isLater, type StageName } from "../steps/model/stage.ts";
import { fenceScope } from "../verify/drift/scope.ts";
import { version } from "../version.ts";
import type { Workspace } from "./context/workspace.ts";
import { type VerifyRequest, type VerifyResult, verifyStage } from "./verify-stage.ts";

export type CertifyRequest = Pick<VerifyRequest, "stage"> & {
  /** The file that is written. */
  readonly certificate: string;
  /** A private key for Ed25519 in PEM. */
  readonly signWith?: string | undefined;
};

/** A verification, and its certificate; undefined where the stage is not applied: nothing was tried. */
export type CertifyResult = VerifyResult & { readonly certificate: Certificate | undefined };

/**
 * Verifies a stage, and writes what was tried and found as a certificate, whether it is green or not.
 * @throws AppError USAGE, before anything is tried, where the key cannot be read or the file not be
 *   written; CERTIFICATE_FAILED where the schema changed meanwhile
 */
export async function certifyStage(
  workspace: Workspace,
  request: CertifyRequest,
): Promise<CertifyResult> {
  const { session, settings } = workspace;
  const { stage, signWith, certificate: file } = request;
  const key = signWith === undefined ? undefined : readPrivateKey(signWith, await textOf(signWith));
  await refuseUnwritable(file);
  const runs = (await readRuns(session)).filter(({ state }) => state === "applied");
  // Tables that came later are verified with the stages.
  const ofStages = runs.flatMap((one) =>
    isLater(one.stage) ? [] : [{ stage: one.stage, personas: one.personas }],
  );
  const run = ofStages.findLast((one) => stage === undefined || one.stage === stage);
  if (run === undefined) {
    return { ...(await verifyStage(workspace, { stage })), certificate: undefined };
  }
  const read = async () => readPresent(session, await fenceScope(session, settings, runs));
  const before = await read();
  const result = await verifyStage(workspace, { stage: run.stage });
  const { snapshot, standing } = await read();
  refuseChanged(before.standing, standing);
  const content = contentOf(result.verification, {
    ...(await circumstancesOf(session, snapshot, run)),
    identity: settings.identity.kind,
    standing,
    signer: key === undefined ? null : keyFingerprint(key),
  });
  const certificate = {
    content,
    signature: key === undefined ? null : signContent(content, key),
  };
  await writing(file, () => writeFile(path.resolve(file), writtenCertificate(certificate)));
  return { ...result, certificate };
}

async function circumstancesOf(
  session: Session,
  { server }: Snapshot,
  run: Pick<Run, "personas"> & { readonly stage: StageName },
) {
  return {
    server: { version: server.versionText, number: server.version },
    database: await readDatabaseIdentity(session),
    detectors: { rules: rules.length, mutants: mutants.length },
    stage: run.stage,
    personas: run.personas,
    connected: server.user,
  };
}

type Scope = Content["fence"]["scope"];

/** The database's schema and fence as they are now. */
async function readPresent(
  session: Session,
  scope: Scope,
): Promise<{ readonly snapshot: Snapshot; readonly standing: Standing }> {
  const snapshot = await readSnapshot(session);
  const state = await readFenceState(session, scope);
  return { snapshot, standing: standingIn(snapshot.fingerprint, state) };
}

/** What was tried may be another fence than what would be certified. */
function refuseChanged(before: Standing, after: Standing): void {
  const { fence, schema } = compareStandings(before, after);
  if (fence.length + schema.length === 0) return;
  throw new AppError({
    code: "CERTIFICATE_FAILED",
    object: "the schema",
    fault: "was changed while it was verified",
    state: "no certificate was written",
    next: "run it again",
    details: [...fence, ...schema].map(({ object, fact }) => `${object}: ${fact}`),
  });
}

export type CheckCertificateRequest = {
  /** The certificate's file. */
  readonly file: string;
  /** The public key of the one who should have signed it, in PEM. */
  readonly key?: string | undefined;
};

export type CheckCertificateResult = {
  readonly content: Content;
  readonly differences: readonly Difference[];
  /** What was not checked, and other versions: no failure. */
  readonly remarks: readonly string[];
  /** Why the certificate does not hold; undefined where it does. */
  readonly failure: AppError | undefined;
};

/**
 * Whether a database still is what a certificate says. It needs no configuration, and only reads.
 * @throws AppError USAGE where the key cannot be read, CERTIFICATE_UNREADABLE
 */
export async function checkCertificate(
  target: Target,
  { file, key }: CheckCertificateRequest,
): Promise<CheckCertificateResult> {
  const wanted = key === undefined ? undefined : readPublicKey(key, await textOf(key));
  const read = readCertificate(file, await textOf(file));
  const { content } = read.certificate;
  const faults = faultsOfSignature(read.certificate, read.content, wanted);
  const remarks = unchecked(content, wanted);
  const inItself: readonly Difference[] = [
    ...faults.map((fact) => ({ of: "signature" as const, object: file, fact })),
    ...differencesInItself(content, today()),
  ];
  // What somebody else may have written is not asked of the database.
  const compared =
    faults.length > 0
      ? { differences: [], versions: [] }
      : await withSession(target, "tenantry", sessionSettings, (session) =>
          compareWith(session, content),
        );
  const differences = [...inItself, ...compared.differences];
  return {
    content,
    differences,
    remarks: [...remarks, ...compared.versions],
    failure: failureOf(file, differences),
  };
}

async function compareWith(session: Session, content: Content) {
  const database = await readDatabaseIdentity(session);
  const others = differencesOfDatabase(content, { database });
  if (others.length > 0) return { differences: others, versions: [] };
  const { snapshot, standing } = await readPresent(session, content.fence.scope);
  const { versionText, version: number } = snapshot.server;
  const present = { server: { version: versionText, number }, tenantry: version };
  return {
    differences: differencesOfStanding(content, present, standing),
    versions: otherVersions(content, present),
  };
}

function unchecked({ signer }: Content, wanted: KeyObject | undefined): readonly string[] {
  if (wanted !== undefined) return [];
  return signer === null
    ? ["it is not signed: a user who may write the file can change what it says"]
    : [`who signed it was not checked: name the public key with --key (SHA-256 ${signer})`];
}

function failureOf(file: string, differences: readonly Difference[]): AppError | undefined {
  if (differences.length === 0) return undefined;
  return new AppError({
    code: "CERTIFICATE_FAILED",
    object: file,
    fault: `does not hold: ${counted(differences.length, "difference")}`,
    state: "nothing was changed",
    next: "look at what is listed, then tenantry verify --certificate",
  });
}

/** @throws AppError USAGE */
async function textOf(file: string): Promise<string> {
  try {
    return await readFile(path.resolve(file), "utf8");
  } catch (error) {
    throw unusable(file, "read", error);
  }
}

/** A verification takes minutes: whether its file can be written is tried before. */
async function refuseUnwritable(file: string): Promise<void> {
  const place = path.resolve(file);
  await writing(file, async () => {
    const isNew = await open(place, "wx").then(
      (made) => made.close().then(() => true),
      () => false,
    );
    if (isNew) await rm(place);
    else await (await open(place, "r+")).close();
  });
}

async function writing(file: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    throw unusable(file, "written", error);
  }
}

function unusable(file: string, what: "read" | "written", error: unknown): AppError {
  return new AppError({
    code: "USAGE",
    object: file,
    fault: `cannot be ${what}: ${messageOf(error)}`,
    state: "nothing was changed",
    next:
      diskFix(error, "name a file on another disk") ??
      (what === "read" ? "name a file that is there" : "name a file in a folder that is there"),
    cause: error,
  });
}
