export type CallerNames = {
  /** The module of supabase-js, as the other functions import it. */
  readonly supabase: string;
  readonly memberships: string;
  readonly organizations: string;
  readonly organization: string;
  /** The name of the function that a handler calls. */
  readonly caller: string;
};

/** The helpers of edge functions: the caller's organization, and a loop over all organizations. */
export function callerOrganization(names: CallerNames): string {
  const { supabase, memberships, organizations, organization, caller } = names;
  return `import { createClient, type SupabaseClient } from "${supabase}";

export type Role = "owner" | "admin" | "member";

export type Caller = {
  readonly ${organization}: string;
  readonly userId: string;
  readonly role: Role;
  /** Queries as the caller: row-level security applies to it. */
  readonly client: SupabaseClient;
};

/** The caller has no organization, or it could not be read. */
export class OrganizationRefused extends Error {
  readonly status: 400 | 401 | 403 | 503;

  constructor(status: 400 | 401 | 403 | 503, message: string) {
    super(message);
    this.name = "OrganizationRefused";
    this.status = status;
  }

  toResponse(headers: Readonly<Record<string, string>> = {}): Response {
    return Response.json({ error: this.message }, { status: this.status, headers });
  }
}

/**
 * The organization of a request, from the caller's own token and memberships. A member of several
 * organizations names one in the header x-organization-id. Only members of that organization may name it.
 * @throws OrganizationRefused
 */
export async function ${caller}(request: Request): Promise<Caller> {
  const token = /^Bearer (\\S+)$/i.exec(request.headers.get("authorization") ?? "")?.[1];
  if (token === undefined) throw new OrganizationRefused(401, "no token");
  const client = createClient(setting("SUPABASE_URL"), setting("SUPABASE_ANON_KEY"), {
    global: { headers: { Authorization: \`Bearer \${token}\` } },
    auth: { persistSession: false, autoRefreshToken: false },
  });
  const { data, error } = await client.auth.getUser(token);
  if (error !== null || data.user === null) throw new OrganizationRefused(401, "not signed in");
  const userId = data.user.id;
  const memberships = await client
    ${memberships}
    .select("organization_id, role")
    .eq("user_id", userId);
  // A failed query gives no permission.
  if (memberships.error !== null) throw new OrganizationRefused(503, "memberships could not be read");
  const rows = memberships.data as unknown as { organization_id: string; role: Role }[];
  const wanted = request.headers.get("x-organization-id");
  if (wanted === null && rows.length > 1) {
    throw new OrganizationRefused(400, "several organizations: name one in the header x-organization-id");
  }
  const membership =
    wanted === null ? rows[0] : rows.find(({ organization_id }) => organization_id === wanted);
  if (membership === undefined) throw new OrganizationRefused(403, "not a member");
  return { ${organization}: membership.organization_id, userId, role: membership.role, client };
}

/**
 * A handler for members of an organization: Deno.serve(forCallers(async (request, caller) => …)). All
 * other callers get an error response, and the handler is not called.
 */
export function forCallers(
  answer: (request: Request, caller: Caller) => Response | Promise<Response>,
): (request: Request) => Promise<Response> {
  return async (request) => {
    // A browser sends an OPTIONS request first, without a token. The * does not include authorization.
    const headers = {
      "access-control-allow-origin": "*",
      "access-control-allow-headers": "authorization, *",
    };
    if (request.method === "OPTIONS") return new Response(null, { status: 204, headers });
    try {
      return await answer(request, await ${caller}(request));
    } catch (error) {
      if (error instanceof OrganizationRefused) return error.toResponse(headers);
      throw error;
    }
  };
}

export type FailedOrganization = { readonly ${organization}: string; readonly error: unknown };

/**
 * Runs a job for each organization that is not suspended, one after the other. A failure for one
 * organization does not stop the others; all failures are returned at the end.
 * @param admin a client with the service role: only the filter of a query limits it to one organization
 */
export async function forEachOrganization(
  admin: SupabaseClient,
  work: (${organization}: string) => Promise<void>,
): Promise<readonly FailedOrganization[]> {
  const failed: FailedOrganization[] = [];
  let last = "00000000-0000-0000-0000-000000000000";
  for (;;) {
    // The API returns a limited number of rows, and does not say that there are more.
    const { data, error } = await admin
      ${organizations}
      .select("id, status")
      .gt("id", last)
      .order("id")
      .limit(500);
    if (error !== null) throw new Error(\`the organizations could not be read: \${error.message}\`);
    const page = data as unknown as { id: string; status: string | null }[];
    for (const { id, status } of page) {
      last = id;
      if (status === "suspended") continue;
      try {
        await work(id);
      } catch (thrown) {
        failed.push({ ${organization}: id, error: thrown });
      }
    }
    if (page.length < 500) break;
  }
  return failed;
}

function setting(name: string): string {
  const value = Deno.env.get(name);
  if (value === undefined) throw new Error(\`\${name} is not set\`);
  return value;
}
`;
}
