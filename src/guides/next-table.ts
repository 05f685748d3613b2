import type { Relation } from "../catalog/relations.ts";
import { requestRoles, resolveRoles, type Settings } from "../config/settings.ts";
import { ident, type Sql, sql, toScript } from "../postgres/sql.ts";
import { namesOf, type TablePlan } from "../steps/model/table-plan.ts";
import { tenancyFrom } from "../steps/model/tenancy.ts";
import { fenceStatements } from "../steps/table/fence.ts";

/** The example's table, which does not exist. */
const name = "invoices";

/** The SQL of a new tenant table, in the same statements that a stage runs for an existing one. */
export function nextTable(settings: Settings): string {
  const table = planOf(settings);
  const { relation, tenancy } = table;
  const statements: readonly Sql[] = [
    sql`CREATE TABLE ${ident(relation)} (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  ${ident(tenancy.column)} uuid NOT NULL
    DEFAULT ${ident(tenancy.helpers.writingOrganization)}()
    REFERENCES ${ident(tenancy.organizations)} (id),
  number text NOT NULL,
  UNIQUE (${ident(tenancy.column)}, number)
)`,
    sql`CREATE INDEX ${ident(namesOf(table).index)}
  ON ${ident(relation)} (${ident(tenancy.column)})`,
    ...fenceStatements(table),
  ];
  return statements.map(toScript).join("\n");
}

function planOf(settings: Settings): TablePlan {
  const relation = { schema: settings.schema, name };
  // There is no connection here: on Supabase, `anon` always exists.
  const roles = requestRoles(resolveRoles(settings, settings.identity.kind === "supabase"));
  return {
    stage: "day2",
    setting: `day2.tables.${name}`,
    relation,
    label: name,
    source: { kind: "default" },
    sourceKeys: [],
    access: "members",
    unattributed: "error",
    existing: emptyRelation(relation),
    triggersMayBeSilenced: false,
    tenancy: tenancyFrom(settings, "uuid"),
    searchPath: [],
    requestRoles: roles,
    bypassing: roles.flatMap((grantee) =>
      ["TRUNCATE", "TRIGGER", "REFERENCES"].map((privilege) => ({
        grantee,
        privilege,
        grantable: false,
      })),
    ),
  };
}

function emptyRelation(relation: { readonly schema: string; readonly name: string }): Relation {
  return {
    ...relation,
    kind: "table",
    owner: "",
    mayAlter: true,
    inherits: false,
    partitionOf: null,
    rowSecurity: false,
    forceRowSecurity: false,
    estimatedRows: null,
    bytes: 0,
    columns: [],
    foreignKeys: [],
    constraints: [],
    indexes: [],
    policies: [],
    grants: [],
    columnGrants: [],
    updateTriggers: [],
  };
}
