import type { View } from "../../catalog/views.ts";
import { ident, list, literal, type Some, type Sql, sql } from "../../postgres/sql.ts";
import { exists, relationWhere } from "../model/checks.ts";
import type { TransactionStep } from "../model/step.ts";

/** Makes a view read with the privileges of its reader, and so under the row-level security of the reader. */
export function askAsReader(view: View, label: string): TransactionStep {
  const { schema, name } = view;
  const relation = { schema, name };
  return {
    id: `day3/${label}/security-invoker`,
    title: "make the view read with the privileges of its reader",
    table: relation,
    mode: "transaction",
    lock: { level: "ACCESS EXCLUSIVE", on: [relation] },
    up: [sql`ALTER VIEW ${ident(relation)}\n  SET (security_invoker = on)`],
    down: { kind: "exact", sql: asBefore(view) },
    verify: [
      exists(
        `${label} reads with the privileges of its reader`,
        relationWhere(
          relation,
          sql`c.reloptions && ARRAY['security_invoker=on', 'security_invoker=true']`,
        ),
      ),
    ],
  };
}

/** SET moves an option to the end, so where there were others, all are set again in their order. */
function asBefore({ schema, name, options }: View): Some<Sql> {
  const on = sql`ALTER VIEW IF EXISTS ${ident({ schema, name })}`;
  const before = options.map((option) => {
    const [key = "", value = ""] = option.split(/=(.*)/s);
    return { key, value };
  });
  if (!before.some(({ key }) => key === "security_invoker")) {
    return [sql`${on}\n  RESET (security_invoker)`];
  }
  return [
    sql`${on}\n  RESET (${list(before.map(({ key }) => ident(key)))})`,
    sql`${on}\n  SET (${list(before.map(({ key, value }) => sql`${ident(key)} = ${literal(value)}`))})`,
  ];
}
