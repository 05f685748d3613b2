import type { Finding } from "../events/finding.ts";
import {
  type CheckResult,
  isGreen,
  type StageVerification,
  standingOf,
  stateOf,
} from "../events/verification.ts";
import type { Persona, StageName } from "../steps/model/stage.ts";
import { version } from "../version.ts";
import { type Content, certificateFormat } from "./certificate.ts";
import type { Standing } from "./standing.ts";

/** Of what, by whom and how a verification was made. */
export type Circumstances = Pick<Content, "server" | "database" | "signer"> & {
  readonly detectors: { readonly rules: number; readonly mutants: number };
  readonly stage: StageName;
  readonly personas: readonly Persona[];
  readonly connected: string;
  readonly identity: string;
  readonly standing: Standing;
};

/** What a certificate says of a verification, whether it is green or not. */
export function contentOf(verification: StageVerification, of: Circumstances): Content {
  const { open, due, ...counts } = standingOf(verification);
  const { roles } = of.standing.fence.scope;
  return {
    format: certificateFormat,
    madeAt: new Date().toISOString(),
    tenantry: { version, ...of.detectors },
    server: of.server,
    database: of.database,
    stage: of.stage,
    holds: isGreen(verification),
    counts: { ...counts, open: open.length, due: due.length },
    triedBy: {
      connected: of.connected,
      login: roles.login,
      requests: roles.requests,
      identity: of.identity,
      personas: of.personas,
    },
    claims: [
      ...verification.checks.map((result) => claimOf("steps", result)),
      ...verification.isolation.map((result) => claimOf("isolation", result)),
      ...verification.criteria.map((result) => claimOf("criteria", result)),
    ],
    findings: verification.findings.map(findingOf),
    ...of.standing,
    signer: of.signer,
  };
}

function claimOf(
  of: Content["claims"][number]["of"],
  result: CheckResult,
): Content["claims"][number] {
  const { claim, violations, unproven = [], trial } = result;
  return {
    of,
    claim,
    state: stateOf(result),
    contradictions: violations.length,
    notTried: unproven.map(({ what, accepted }) => ({
      what: beforeColon(what),
      accepted: accepted ?? null,
    })),
    trial: trial === undefined ? null : { ...trial, commands: { ...trial.commands } },
  };
}

/** What was not tried. After the colon stands why, in words of the server, which may name values of rows. */
function beforeColon(what: string): string {
  return what.split(": ", 1).join("");
}

function findingOf({ id, severity, object, due, accepted }: Finding): Content["findings"][number] {
  const left = due === undefined ? "open" : "due";
  return {
    rule: id,
    severity,
    object,
    state: accepted === undefined ? left : "accepted",
    due: due?.stage ?? null,
    accepted: accepted ?? null,
  };
}
