/** A way in which the fence refuses everybody, how it is undone, and what must be said of it. */
export type Silence = readonly [name: string, damage: string, fix: string, said: RegExp];

type Fence = {
  /** The role of requests, and the type of users' keys. */
  readonly role: string;
  readonly idType: string;
  readonly supabase: boolean;
};

const organizations = "tenancy.caller_organizations()";
const administers = "tenancy.caller_administers()";
const writing = "tenancy.writing_organization()";

const membersBody = (further = "") => `BEGIN
  RETURN QUERY SELECT m.organization_id FROM public.organization_users AS m
                WHERE m.user_id = tenancy.caller()${further};
END`;

const administersOnly = " AND m.role IN ('owner', 'admin')";

/** The functions as Day 1 makes them, but for their text. */
const whole = (signature: string, returns: string, body: string) =>
  `CREATE OR REPLACE FUNCTION ${signature} RETURNS ${returns} LANGUAGE plpgsql STABLE SECURITY DEFINER
     SET search_path TO '' AS $f$${body}$f$`;

const restored = {
  [organizations]: whole(organizations, "SETOF uuid", membersBody()),
  [administers]: whole(administers, "SETOF uuid", membersBody(administersOnly)),
  [writing]: whole(
    writing,
    "uuid",
    `BEGIN RETURN (SELECT (array_agg(m.organization_id))[1] FROM public.organization_users AS m
                    WHERE m.user_id = tenancy.caller() HAVING count(*) = 1); END`,
  ),
};

/** Roles are the whole server's, on which other tests run. */
const ofRole = (role: string, change: string) => `
  DO $do$
  BEGIN
    EXECUTE format($f$ALTER ROLE ${role} IN DATABASE %I ${change}$f$, current_database());
  END $do$`;

const said = (signature: string, what: string) =>
  new RegExp(`${signature.replaceAll(/[.()]/g, "\\$&")} ${what}`);

/** Every way in which one of the fence's functions refuses, or answers nothing. */
export function silences({ role, idType, supabase }: Fence): readonly Silence[] {
  const ofEach = ([organizations, administers, writing] as const).flatMap(
    (signature): readonly Silence[] => [
      [
        `EXECUTE on ${signature} taken from PUBLIC`,
        `REVOKE EXECUTE ON FUNCTION ${signature} FROM PUBLIC`,
        `GRANT EXECUTE ON FUNCTION ${signature} TO PUBLIC`,
        said(signature, `may not be executed by .*${role}`),
      ],
      [
        `${signature} owned by an ordinary role`,
        `ALTER FUNCTION ${signature} OWNER TO ordinary_owner`,
        `ALTER FUNCTION ${signature} OWNER TO CURRENT_USER`,
        said(signature, "runs as ordinary_owner, which row-level security applies to"),
      ],
      [
        `${signature} made SECURITY INVOKER`,
        `ALTER FUNCTION ${signature} SECURITY INVOKER`,
        `ALTER FUNCTION ${signature} SECURITY DEFINER`,
        said(signature, "is SECURITY INVOKER"),
      ],
      [
        `${signature} that raises`,
        whole(
          signature,
          signature === writing ? "uuid" : "SETOF uuid",
          "BEGIN RAISE EXCEPTION 'not today'; END",
        ),
        restored[signature],
        said(signature, "fails for a user of one organization: not today \\(SQLSTATE P0001\\)"),
      ],
      [
        `${signature} that answers nothing`,
        whole(
          signature,
          signature === writing ? "uuid" : "SETOF uuid",
          signature === writing ? "BEGIN RETURN NULL; END" : "BEGIN RETURN; END",
        ),
        restored[signature],
        said(signature, "answers a user of one organization with nothing instead of one value"),
      ],
      [
        `${signature} made VOLATILE`,
        `ALTER FUNCTION ${signature} VOLATILE`,
        `ALTER FUNCTION ${signature} STABLE`,
        said(signature, "is VOLATILE"),
      ],
      [
        `${signature} made IMMUTABLE`,
        `ALTER FUNCTION ${signature} IMMUTABLE`,
        `ALTER FUNCTION ${signature} STABLE`,
        said(signature, "is IMMUTABLE"),
      ],
      [
        `${signature} with another search_path`,
        `ALTER FUNCTION ${signature} SET search_path TO public`,
        `ALTER FUNCTION ${signature} SET search_path TO ''`,
        said(signature, "has no safe search_path setting"),
      ],
      [
        `${signature} that asks with row-level security off`,
        `ALTER FUNCTION ${signature} SET row_security TO off`,
        `ALTER FUNCTION ${signature} RESET row_security`,
        said(signature, "sets row_security"),
      ],
    ],
  );
  const caller = (body: string) =>
    `CREATE OR REPLACE FUNCTION tenancy.caller() RETURNS ${idType} LANGUAGE sql STABLE RETURN ${body}`;
  const callers = supabase
    ? "auth.uid()"
    : `CASE WHEN current_setting('app.user_id', TRUE) ~ '^[0-9]{1,18}$'
            THEN current_setting('app.user_id', TRUE)::${idType} END`;
  const uid = (body: string) =>
    `CREATE OR REPLACE FUNCTION auth.uid() RETURNS uuid LANGUAGE plpgsql STABLE AS $f$BEGIN ${body} END$f$`;
  const uidFix = `CREATE OR REPLACE FUNCTION auth.uid() RETURNS uuid LANGUAGE sql STABLE AS
    $f$ SELECT (NULLIF(current_setting('request.jwt.claims', TRUE), '')::jsonb ->> 'sub')::uuid $f$`;
  return [
    ...ofEach,
    [
      "who asks is always nobody",
      caller(`NULL::${idType}`),
      caller(callers),
      said("tenancy.caller()", "answers a user of one organization with nothing"),
    ],
    [
      "who asks divides by zero",
      caller(`(1 / (random() * 0)::integer)::text::${idType}`),
      caller(callers),
      said("tenancy.caller()", "fails for a user of one organization: division by zero"),
    ],
    [
      "who asks made IMMUTABLE",
      "ALTER FUNCTION tenancy.caller() IMMUTABLE",
      "ALTER FUNCTION tenancy.caller() STABLE",
      said("tenancy.caller()", "is IMMUTABLE"),
    ],
    [
      "a helper whose owner may not ask who asks",
      `GRANT SELECT ON organization_users TO bypassing_owner;
       ALTER FUNCTION ${organizations} OWNER TO bypassing_owner`,
      `ALTER FUNCTION ${organizations} OWNER TO CURRENT_USER;
       REVOKE SELECT ON organization_users FROM bypassing_owner`,
      said(organizations, "runs as bypassing_owner, which lacks a privilege on what it asks"),
    ],
    [
      "the application's schema closed to requests",
      `REVOKE USAGE ON SCHEMA public FROM PUBLIC, ${role}`,
      `GRANT USAGE ON SCHEMA public TO PUBLIC, ${role}`,
      /permission denied for schema public \(SQLSTATE 42501\)/,
    ],
    [
      "a timeout of one millisecond for requests",
      ofRole(role, "SET statement_timeout = '1ms'"),
      ofRole(role, "RESET statement_timeout"),
      /statement_timeout = 1ms stops requests; to restore it: ALTER ROLE/,
    ],
    [
      "row-level security that requests refuse",
      ofRole(role, "SET row_security = off"),
      ofRole(role, "RESET row_security"),
      /row_security = off stops requests/,
    ],
    ...(supabase
      ? ([
          [
            "auth.uid() that is always nobody",
            uid("RETURN NULL;"),
            uidFix,
            said("auth.uid()", "answers a user of one organization with nothing"),
          ],
          [
            "auth.uid() that raises",
            uid("RAISE EXCEPTION 'no token';"),
            uidFix,
            said("auth.uid()", "fails for a user of one organization: no token"),
          ],
        ] as const)
      : []),
  ];
}
