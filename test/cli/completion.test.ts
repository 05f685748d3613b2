import { execa } from "execa";
import { expect, test } from "vitest";
import { program } from "../setup/built-program.ts";

const tenantry = [program];

test("a shell completes commands, options and stages", async () => {
  const asked = [
    { typed: ["ro"], offered: "rollback" },
    { typed: ["backup", "v"], offered: "verify" },
    { typed: ["run", "--att"], offered: "--attribution" },
    { typed: ["run", "--stage", ""], offered: "day3" },
  ];
  for (const { typed, offered } of asked) {
    const { stdout } = await execa("node", [...tenantry, "complete", "--", ...typed]);
    expect(stdout.split("\n").map((line) => line.split("\t")[0])).toContain(offered);
  }
});

test("the script for bash is one that bash reads", async () => {
  const { stdout } = await execa("node", [...tenantry, "completion", "bash"]);
  const { exitCode } = await execa("bash", ["-n"], { input: stdout });
  expect(exitCode).toBe(0);
});
