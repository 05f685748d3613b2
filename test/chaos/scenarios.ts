import { readdirSync } from "node:fs";
import path from "node:path";
import { company } from "./server.ts";

/** Where a command starts from: a database and its folder of backups. */
export type State = "before" | "day1" | "day2" | "day3" | "changed" | "stopped" | "undoing";

/** Where the command that is disturbed is run. */
export type Ground = {
  readonly folder: string;
  url(database: string): string;
};

/** A command, and what holds when it is done. */
export type Scenario = {
  readonly name: string;
  readonly from: State;
  readonly args: (ground: Ground) => readonly string[];
  /** The state that it leaves, where other scenarios start from it. */
  readonly makes?: State;
  /** The code of the error when it is asked for again after it was done. */
  readonly doneAlready?: string;
  /** The database that is compared in the end. */
  readonly compared: string;
  /** Undoes everything, where something is applied in the end: the database is as before then. */
  readonly undo?: readonly string[];
  /** Nobody may be connected to a database that is swapped. */
  readonly withoutWriter?: true;
  /** It starts a server of its own, which takes seconds. */
  readonly slow?: true;
};

const undo = ["rollback", "--all", "--yes"] as const;

function stage(name: "day1" | "day2" | "day3", from: State): Scenario {
  return {
    name: `run ${name}`,
    from,
    args: () => ["run", "--stage", name, "--yes", "--json"],
    makes: name,
    doneAlready: "STAGE_ALREADY_APPLIED",
    compared: company,
    undo,
  };
}

function rollback(which: "day1" | "day3" | "all", from: State): Scenario {
  const chosen = which === "all" ? ["--all"] : ["--stage", which];
  return {
    name: `rollback ${which}`,
    from,
    args: () => ["rollback", ...chosen, "--yes", "--json"],
    doneAlready: "NOTHING_TO_ROLL_BACK",
    compared: company,
    ...(which === "day3" ? { undo } : {}),
  };
}

/** The backup that the state before has. */
function backupIn({ folder }: Ground): string {
  const name = readdirSync(path.join(folder, "backups")).find((one) => one.startsWith("manual-"));
  return path.join("backups", name ?? "none");
}

/** The name of the database that is restored beside. */
export const restoredDatabase = "restored";

/** Every command that is disturbed. */
export const scenarios: readonly Scenario[] = [
  stage("day1", "before"),
  stage("day2", "day1"),
  stage("day3", "day2"),
  { ...stage("day1", "stopped"), name: "resume day1" },
  rollback("day1", "day1"),
  rollback("day3", "day3"),
  rollback("all", "day3"),
  { ...rollback("all", "undoing"), name: "resume rollback" },
  { ...rollback("day1", "stopped"), name: "rollback stopped" },
  {
    name: "restore into",
    from: "changed",
    args: (ground) => [
      "restore",
      backupIn(ground),
      ...["--into", ground.url(restoredDatabase), "--yes", "--json"],
    ],
    doneAlready: "RESTORE_REFUSED",
    compared: restoredDatabase,
    withoutWriter: true,
  },
  {
    name: "restore in place",
    from: "changed",
    args: (ground) => [
      "restore",
      backupIn(ground),
      ...["--in-place", "--confirm", company, "--yes", "--json"],
    ],
    compared: company,
    withoutWriter: true,
  },
  {
    name: "backup",
    from: "before",
    args: () => ["backup", "--json"],
    compared: company,
  },
  {
    name: "verify day1",
    from: "day1",
    args: () => ["verify", "day1", "--json"],
    compared: company,
  },
  {
    name: "rehearse",
    from: "before",
    args: () => ["rehearse", "--stage", "day1", "--json"],
    compared: company,
    slow: true,
  },
];

/** A scenario by its name. */
export function scenarioOf(name: string): Scenario {
  const found = scenarios.find((one) => one.name === name);
  if (found === undefined) throw new Error(`there is no scenario ${name}`);
  return found;
}
