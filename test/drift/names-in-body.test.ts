import { describe, expect, test } from "vitest";
import { isHarmlessSetting } from "../../src/catalog/fence/harmless-settings.ts";
import { namesInBody, schemasOf } from "../../src/catalog/fence/names-in-body.ts";
import { inShort } from "../../src/catalog/fingerprint/in-short.ts";

describe("what a body names", () => {
  const called = (body: string) => namesInBody(body).called.map((parts) => parts.join("."));
  const relations = (body: string) => namesInBody(body).relations.map((parts) => parts.join("."));

  test.each([
    ["SELECT auth.uid()", ["auth.uid"]],
    ["SELECT AUTH . UID ()", ["auth.uid"]],
    [`SELECT "Odd ""one""".f()`, ['Odd "one".f']],
    ["-- old.one()\nSELECT new.one() /* old.two() */", ["new.one"]],
    ["EXECUTE 'SELECT app.who()'", ["app.who"]],
    ["SELECT db.app.who()", ["app.who"]],
    ["SELECT caller(lower(x))", ["caller", "lower"]],
    ["SELECT größe.f()", ["größe.f"]],
  ])("%s", (body, expected) => {
    expect(called(body)).toEqual(expected);
  });

  test("relations are those with a schema, and those that are read or written", () => {
    const body =
      "SELECT a.b FROM sessions JOIN app.users u ON u.id = x; UPDATE ONLY logs SET n = 1";
    expect(relations(body)).toEqual(expect.arrayContaining(["sessions", "app.users", "logs"]));
  });

  test("operators are found in the text", () => {
    expect(namesInBody("SELECT claims ->> 'sub' = x || y").operators).toEqual(["->>", "=", "||"]);
  });
});

test("a function's search_path is read, an empty one too", () => {
  expect(schemasOf(['search_path=pg_catalog, "Odd one", pg_temp'])).toEqual([
    "pg_catalog",
    "Odd one",
    "pg_temp",
  ]);
  expect(schemasOf(['search_path=""'])).toEqual([]);
  expect(schemasOf(["row_security=off"])).toBeUndefined();
});

test.each([
  "statement_timeout",
  "work_mem",
  "log_min_duration_statement",
  "random_page_cost",
  "TimeZone",
  "jit",
  "auto_explain.log_min_duration",
  "enable_seqscan",
  "pg_stat_statements.track",
])("%s of a role is harmless", (name) => {
  expect(isHarmlessSetting(name)).toBe(true);
});

test.each([
  "session_replication_role",
  "role",
  "search_path",
  "row_security",
  "request.jwt.claims",
  "app.user_id",
  "pgrst.db_pre_request",
  "session_preload_libraries",
  "local_preload_libraries",
  "default_transaction_read_only",
  "plpgsql.variable_conflict",
  "transform_null_equals",
  "lo_compat_privileges",
  "event_triggers",
  "standard_conforming_strings",
])("%s of a role may concern the fence", (name) => {
  expect(isHarmlessSetting(name)).toBe(false);
});

test("of two long values the part that differs is shown", () => {
  const body = (user: string) => `SELECT ${"x".repeat(200)} ${user} ${"y".repeat(200)}`;
  const [before, after] = inShort(body("auth.uid()"), body("somebody()"));
  expect(before).toContain("auth.uid()");
  expect(after).toContain("somebody()");
  expect(before.length).toBeLessThan(110);
  expect(inShort(null, "on")).toEqual(["none", "on"]);
});
