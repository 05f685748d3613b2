import type { Mutant } from "../../audit/rule.ts";
import { ident, literal, sql, textOf } from "../../postgres/sql.ts";

const asOwner = sql`SECURITY DEFINER SET search_path = pg_catalog`;

/** Functions and triggers with their owner's rights. */
export const functions: readonly Mutant[] = [
  {
    name: "a function that returns rows as its owner, and changes nothing",
    leak: "definer-function",
    kind: "damage",
    damage: ({ table }) => [
      sql`CREATE FUNCTION public.all_leads() RETURNS SETOF ${ident(table)} LANGUAGE sql STABLE ${asOwner} BEGIN ATOMIC SELECT * FROM ${ident(table)}; END`,
    ],
  },
  {
    name: "a function that counts as its owner, and changes nothing",
    leak: "definer-function",
    kind: "damage",
    damage: ({ table }) => [
      sql`CREATE FUNCTION public.lead_count() RETURNS bigint LANGUAGE sql STABLE ${asOwner} RETURN (SELECT count(*) FROM ${ident(table)})`,
    ],
  },
  {
    name: "a function that takes the organization from its caller",
    leak: "definer-function",
    kind: "damage",
    damage: ({ table, tenancy }) => [
      sql`CREATE FUNCTION public.leads_of(organization uuid) RETURNS bigint LANGUAGE sql STABLE ${asOwner}
            RETURN (SELECT count(*) FROM ${ident(table)} AS l WHERE l.${ident(tenancy.column)} = organization)`,
    ],
  },
  {
    name: "a function that takes a key from its caller",
    leak: "definer-function",
    kind: "damage",
    damage: ({ table }) => [
      sql`CREATE FUNCTION public.phone_of(lead bigint) RETURNS text LANGUAGE sql STABLE ${asOwner}
            RETURN (SELECT l.phone FROM ${ident(table)} AS l WHERE l.id = lead)`,
    ],
  },
  {
    name: "a function that writes an organization's rows for its caller",
    leak: "definer-function",
    kind: "damage",
    damage: ({ table, tenancy }) => [
      sql`CREATE FUNCTION public.rename_all(organization uuid) RETURNS void LANGUAGE sql ${asOwner}
            BEGIN ATOMIC UPDATE ${ident(table)} SET phone = 'x' WHERE ${ident(tenancy.column)} = organization; END`,
    ],
  },
  {
    name: "a trigger that writes to every row",
    leak: "definer-trigger",
    kind: "damage",
    damage: ({ child, table }) => [
      sql`CREATE FUNCTION public.touch() RETURNS trigger LANGUAGE plpgsql ${asOwner}
            AS ${literal(`BEGIN UPDATE ${textOf(ident(table))} SET secret = 'seen'; RETURN NULL; END`)}`,
      sql`CREATE TRIGGER touch AFTER UPDATE ON ${ident(child)} FOR EACH ROW EXECUTE FUNCTION public.touch()`,
    ],
  },
  {
    name: "a trigger that gives a new row to another organization",
    leak: "definer-trigger",
    kind: "damage",
    damage: ({ child, tenancy }) => [
      sql`CREATE FUNCTION public.misfile() RETURNS trigger LANGUAGE plpgsql ${asOwner}
            AS ${literal(
              `BEGIN
                 UPDATE ${textOf(ident(child))} SET ${textOf(ident(tenancy.column))}
                   = (SELECT id FROM ${textOf(ident(tenancy.organizations))} WHERE slug LIKE 'test-client-b%' LIMIT 1)
                  WHERE id = NEW.id;
                 RETURN NULL;
               END`,
            )}`,
      sql`CREATE TRIGGER misfile AFTER INSERT ON ${ident(child)} FOR EACH ROW EXECUTE FUNCTION public.misfile()`,
    ],
  },
];
