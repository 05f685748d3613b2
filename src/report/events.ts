import type { StageName } from "../steps/stage.ts";

export type StepFacts = {
  readonly id: string;
  readonly title: string;
  /** The table as people know it, or undefined for what concerns no single table. */
  readonly table: string | undefined;
};

export type CheckResult = {
  readonly claim: string;
  /** The rows that contradict the claim; none where it holds. */
  readonly violations: readonly string[];
};

/** What was asked of a stage: of its steps' work, of its isolation, and of the plan's criteria. */
export type StageVerification = {
  readonly checks: readonly CheckResult[];
  readonly isolation: readonly CheckResult[];
  readonly criteria: readonly CheckResult[];
};

/** All of a verification in one list. */
export function allResults(verification: StageVerification): readonly CheckResult[] {
  return [...verification.checks, ...verification.isolation, ...verification.criteria];
}

/** Everything that happens, as data: shown live, line by line, or as JSON. */
export type RunEvent =
  | { readonly kind: "notice"; readonly text: string }
  | {
      readonly kind: "stage-started";
      readonly stage: StageName;
      readonly title: string;
      readonly steps: readonly StepFacts[];
      readonly resumed: boolean;
    }
  | { readonly kind: "backup-started"; readonly stage: StageName }
  | {
      readonly kind: "backup-progress";
      readonly stage: StageName;
      /** Tables whose dump was begun, of all; and what is written by now. */
      readonly tables: number;
      readonly ofTables: number;
      readonly bytes: number;
    }
  | {
      readonly kind: "backup-finished";
      readonly stage: StageName;
      readonly folder: string;
      readonly bytes: number;
      readonly tag: string;
    }
  | { readonly kind: "step-started"; readonly step: StepFacts }
  | {
      readonly kind: "step-progress";
      readonly step: StepFacts;
      /** Pages of the table that are done, of those it had at the start. */
      readonly done: number;
      readonly total: number;
      readonly rows: number;
    }
  | {
      readonly kind: "step-waiting";
      readonly step: StepFacts;
      readonly reason: string;
      readonly attempt: number;
    }
  | {
      readonly kind: "step-applied";
      readonly step: StepFacts;
      readonly milliseconds: number;
      /** What its table grew by with its indexes; null for a step that has none. */
      readonly grownBytes: number | null;
    }
  | { readonly kind: "step-verified"; readonly step: StepFacts; readonly checks: number }
  | { readonly kind: "proof-started"; readonly stage: StageName }
  | {
      readonly kind: "stage-verified";
      readonly stage: StageName;
      readonly verification: StageVerification;
    }
  | { readonly kind: "stage-applied"; readonly stage: StageName; readonly milliseconds: number }
  | {
      readonly kind: "stage-failed";
      readonly stage: StageName;
      readonly code: string;
      readonly message: string;
    }
  | {
      readonly kind: "rollback-started";
      readonly stage: StageName;
      readonly steps: readonly StepFacts[];
    }
  | { readonly kind: "step-undone"; readonly step: StepFacts; readonly milliseconds: number }
  | {
      readonly kind: "rollback-finished";
      readonly stage: StageName;
      readonly fingerprint: "equal" | "different";
      readonly differences: readonly string[];
    };

export type Listener = (event: RunEvent) => void;

/** How a step is named in events. */
export function stepFacts(step: {
  readonly id: string;
  readonly title: string;
  readonly table?: { readonly name: string };
}): StepFacts {
  return { id: step.id, title: step.title, table: step.table?.name };
}
