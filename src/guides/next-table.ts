import type { Relation } from "../catalog/relations.ts";
import { requestRoles, resolveRoles, type Settings } from "../config/settings.ts";
import { ident, type Sql, sql, toScript } from "../postgres/sql.ts";
import { namesOf, type TablePlan } from "../steps/model/table-plan.ts";
import { tenancyFrom } from "../steps/model/tenancy.ts";
import { fenceStatements } from "../steps/table/fence.ts";

/** A table that is not there yet, for an example. */
const name = "invoices";

/** What a new table needs, in the very statements that a stage would run for one that is there. */
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
  // No database is asked: on Supabase there is `anon`.
  const roles = requestRoles(resolveRoles(settings, settings.identity.kind === "supabase"));
  return {
    stage: "day2",
    relation,
    label: name,
    source: { kind: "default" },
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
