import type { FenceChange } from "../../catalog/fence/compare.ts";
import type { FenceKind } from "../../catalog/fence/entry.ts";
import { inShort } from "../../catalog/fingerprint/in-short.ts";
import type { Finding } from "../../events/finding.ts";

/** Why a change of such an object matters. */
const why: Readonly<Record<FenceKind, string>> = {
  table:
    "Whether policies apply to a table, and to whom, follows from its flags, owner and grants.",
  partition: "A partition that is read directly is protected by its own flags and policies only.",
  column: "Whose a row is follows from the organization's column, its type and its default.",
  constraint: "Foreign keys keep a row's organization the same as that of the rows it references.",
  policy: "Policies decide which rows a request reads and writes.",
  trigger:
    "Triggers write rows, organizations and memberships, also with their function's owner's rights.",
  rule: "A rule replaces what a statement does, with its owner's privileges.",
  view: "A view reads with its owner's privileges unless security_invoker is on.",
  function: "The fence calls it: it decides who a request is, or which rows are whose.",
  operator: "A condition or a function of the fence uses it.",
  cast: "A literal or a setting that the fence converts may go through it.",
  schema: "Who may create objects in a schema may put them in the place of what the fence calls.",
  role: "What a request may do follows from its role, and from every role that it may become.",
  settings: "Sessions begin with it: it may say who one is, which rows one sees, or what fires.",
  "event trigger": "It runs at changes of the schema with its owner's privileges, and may grant.",
};

/** The changes as findings, which the configuration can accept by object. */
export function findingsOf(changes: readonly FenceChange[]): Finding[] {
  return changes.map((change) => ({
    id: "drift",
    title: "changed since the state in the journal, and not accepted",
    severity: "high",
    object: change.object,
    fact: factOf(change),
    why: why[change.kind],
    fix: fixOf(change),
  }));
}

function factOf({ attribute, before, after }: FenceChange): string {
  if (attribute === null) return after === null ? "is missing" : "is new";
  const [was, is] = inShort(before, after);
  return `${attribute} ${was} → ${is}`;
}

function fixOf({ object, attribute, restore }: FenceChange): string {
  if (restore !== null) return restore;
  return attribute === null
    ? `-- create ${object} as it was: the backup of the last stage has its definition`
    : `-- set ${attribute} of ${object} as it was`;
}
