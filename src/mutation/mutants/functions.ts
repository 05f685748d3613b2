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
    name: "a function that finds rows by a pattern",
    leak: "definer-function",
    kind: "damage",
    damage: ({ table }) => [
      sql`CREATE FUNCTION public.phones_like(pattern text) RETURNS SETOF text LANGUAGE sql STABLE ${asOwner}
            RETURN (SELECT string_agg(l.phone, ',' ORDER BY l.id) FROM ${ident(table)} AS l WHERE l.phone LIKE pattern)`,
    ],
  },
  {
    name: "a function that reads by SQL that it builds",
    leak: "definer-function",
    kind: "damage",
    damage: ({ table }) => [
      sql`CREATE FUNCTION public.counted_in(name text) RETURNS bigint LANGUAGE plpgsql ${asOwner}
            AS ${literal(`DECLARE many bigint; BEGIN EXECUTE 'SELECT count(*) FROM ${textOf(ident(table))}' INTO many; RETURN many; END`)}`,
    ],
  },
  {
    name: "a STABLE function that calls one that writes",
    leak: "definer-function",
    kind: "damage",
    damage: ({ table }) => [
      sql`CREATE FUNCTION public.emptied() RETURNS void LANGUAGE sql SET search_path = pg_catalog BEGIN ATOMIC DELETE FROM ${ident(table)}; END`,
      sql`CREATE FUNCTION public.looks_harmless() RETURNS void LANGUAGE sql STABLE ${asOwner} BEGIN ATOMIC SELECT public.emptied(); END`,
    ],
  },
  {
    name: "an operator over a function that requests cannot name",
    leak: "definer-function",
    kind: "damage",
    damage: ({ table }) => [
      sql`CREATE SCHEMA not_named`,
      sql`CREATE FUNCTION not_named.counted(one text, other text) RETURNS bigint LANGUAGE sql STABLE ${asOwner} RETURN (SELECT count(*) FROM ${ident(table)})`,
      sql`CREATE OPERATOR public.@@@ (FUNCTION = not_named.counted, LEFTARG = text, RIGHTARG = text)`,
    ],
  },
  {
    name: "an aggregate over a function that requests cannot execute",
    leak: "definer-function",
    kind: "damage",
    damage: ({ table }) => [
      sql`CREATE SCHEMA not_named`,
      sql`CREATE FUNCTION not_named.counted(state bigint, value integer) RETURNS bigint LANGUAGE sql STABLE ${asOwner} RETURN (SELECT count(*) FROM ${ident(table)})`,
      sql`REVOKE EXECUTE ON FUNCTION not_named.counted(bigint, integer) FROM PUBLIC`,
      sql`CREATE AGGREGATE public.counted(integer) (SFUNC = not_named.counted, STYPE = bigint)`,
    ],
  },
  {
    name: "a domain whose CHECK writes as its owner",
    leak: "definer-function",
    kind: "damage",
    damage: ({ table }) => [
      sql`CREATE SCHEMA not_named`,
      sql`CREATE FUNCTION not_named.emptied(value text) RETURNS boolean LANGUAGE plpgsql ${asOwner}
            AS ${literal(`BEGIN DELETE FROM ${textOf(ident(table))}; RETURN TRUE; END`)}`,
      sql`CREATE DOMAIN public.harmless_text AS text CHECK (not_named.emptied(VALUE))`,
    ],
  },
  {
    name: "an INSTEAD OF trigger that writes as its owner",
    leak: "definer-function",
    kind: "damage",
    damage: ({ table, role }) => [
      sql`CREATE FUNCTION public.instead() RETURNS trigger LANGUAGE plpgsql ${asOwner}
            AS ${literal(`BEGIN DELETE FROM ${textOf(ident(table))}; RETURN NULL; END`)}`,
      sql`REVOKE EXECUTE ON FUNCTION public.instead() FROM PUBLIC`,
      sql`CREATE VIEW public.form AS SELECT 1 AS value`,
      sql`CREATE TRIGGER instead INSTEAD OF INSERT ON public.form FOR EACH ROW EXECUTE FUNCTION public.instead()`,
      sql`GRANT INSERT ON public.form TO ${ident(role)}`,
    ],
  },
  {
    name: "a function that sets who its caller is",
    leak: "definer-function",
    kind: "damage",
    damage: () => [
      sql`CREATE FUNCTION public.become(claims text) RETURNS text LANGUAGE sql SET search_path = pg_catalog RETURN set_config('request.jwt.claims', claims, FALSE)`,
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
