import { expect, test } from "vitest";
import { redacted } from "../../src/postgres/redaction.ts";

test("a password is taken out, plain and as URLs write it", () => {
  const password = "p@ss/wörd &1";
  const said = [password, encodeURIComponent(password), encodeURI(password)];
  expect(redacted(`said: ${said.join(" and ")}.`, password)).toBe(
    "said: (password) and (password) and (password).",
  );
  expect(redacted("nothing to hide", "")).toBe("nothing to hide");
});

test("a URL's password is taken out, whosever it is", () => {
  const hidden = {
    "no postgresql://me:se/c@ret@host:1/shop here":
      "no postgresql://me:(password)@host:1/shop here",
    "at 'https://token@host/x.git/'": "at 'https://(password)@host/x.git/'",
    "postgres:///shop?user=me&password=secret&port=1":
      "postgres:///shop?user=me&password=(password)&port=1",
  };
  for (const [text, without] of Object.entries(hidden)) expect(redacted(text)).toBe(without);
  for (const same of ["me@host:1/shop", "postgresql://me@host:1/shop", "git@host:team/x.git"]) {
    expect(redacted(same)).toBe(same);
  }
});
