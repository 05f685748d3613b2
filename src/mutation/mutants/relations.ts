import type { BrokenFence, Mutant } from "../../audit/rule.ts";
import { ident, sql } from "../../postgres/sql.ts";

const grant = (name: string, { role }: BrokenFence) =>
  sql`GRANT SELECT ON public.${ident(name)} TO ${ident(role)}`;

/** Views, copies, partitions and children: tenants' rows under another name. */
export const relations: readonly Mutant[] = [
  {
    name: "a view that shows one column and no organization",
    leak: "definer-view",
    kind: "damage",
    damage: (on) => [
      sql`CREATE VIEW public.phones AS SELECT phone FROM ${ident(on.table)}`,
      grant("phones", on),
    ],
  },
  {
    name: "a view that counts",
    leak: "definer-view",
    kind: "damage",
    damage: (on) => [
      sql`CREATE VIEW public.counted AS SELECT count(*) AS leads FROM ${ident(on.table)}`,
      grant("counted", on),
    ],
  },
  {
    name: "a view whose security_invoker was taken away",
    leak: "definer-view",
    since: 15,
    kind: "damage",
    damage: (on) => [
      sql`CREATE VIEW public.mine WITH (security_invoker = on) AS SELECT id, phone FROM ${ident(on.table)}`,
      grant("mine", on),
      sql`ALTER VIEW public.mine RESET (security_invoker)`,
    ],
  },
  {
    name: "a view that reads as its owner and that requests may write",
    leak: "definer-view",
    kind: "damage",
    damage: (on) => [
      sql`CREATE VIEW public.editable AS SELECT id, phone FROM ${ident(on.table)}`,
      sql`GRANT SELECT, UPDATE, DELETE ON public.editable TO ${ident(on.role)}`,
    ],
  },
  {
    name: "a materialized view that counts by organization",
    leak: "materialized-view",
    kind: "damage",
    damage: (on) => [
      sql`CREATE MATERIALIZED VIEW public.totals AS SELECT ${ident(on.tenancy.column)}, count(*) AS leads FROM ${ident(on.table)} GROUP BY 1`,
      grant("totals", on),
    ],
  },
  {
    name: "an empty copy of a tenant table's columns",
    leak: "row-security-off",
    kind: "damage",
    damage: (on) => [
      sql`CREATE TABLE public.archive (LIKE ${ident(on.table)})`,
      sql`GRANT SELECT, INSERT ON public.archive TO ${ident(on.role)}`,
    ],
  },
  {
    name: "a child that holds rows",
    leak: "partition-or-child",
    kind: "damage",
    damage: (on) => [
      sql`CREATE TABLE public.old_leads () INHERITS (${ident(on.table)})`,
      sql`INSERT INTO public.old_leads SELECT * FROM ONLY ${ident(on.table)}`,
      grant("old_leads", on),
    ],
  },
  {
    name: "a partition that is read past its parent",
    leak: "partition-or-child",
    kind: "damage",
    damage: (on) => [
      sql`CREATE TABLE public.events (LIKE ${ident(on.table)}) PARTITION BY RANGE (id)`,
      sql`ALTER TABLE public.events ENABLE ROW LEVEL SECURITY`,
      sql`CREATE TABLE public.events_all PARTITION OF public.events DEFAULT`,
      sql`INSERT INTO public.events SELECT * FROM ${ident(on.table)}`,
      grant("events_all", on),
    ],
  },
  {
    name: "the child's row-level security switched off",
    leak: "row-security-off",
    kind: "damage",
    damage: ({ child }) => [sql`ALTER TABLE ${ident(child)} DISABLE ROW LEVEL SECURITY`],
  },
  {
    name: "the organizations without row-level security",
    leak: "row-security-off",
    kind: "damage",
    damage: ({ tenancy }) => [
      sql`ALTER TABLE ${ident(tenancy.organizations)} DISABLE ROW LEVEL SECURITY`,
    ],
  },
  {
    name: "a rule that writes to every row",
    leak: "definer-trigger",
    kind: "damage",
    damage: ({ table, child }) => [
      sql`CREATE RULE across AS ON INSERT TO ${ident(child)} DO ALSO UPDATE ${ident(table)} SET secret = 'taken'`,
    ],
  },
  {
    name: "a shared table that tenants may change",
    leak: "shared-table",
    kind: "damage",
    damage: ({ sharedTables: [shared], role }) => {
      if (shared === undefined) throw new Error("there is no shared table to break");
      return [
        sql`ALTER TABLE ${ident(shared)} DISABLE ROW LEVEL SECURITY`,
        sql`GRANT UPDATE, DELETE ON ${ident(shared)} TO ${ident(role)}`,
      ];
    },
  },
];
