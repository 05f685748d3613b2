/** The names of tables in the generated files. */
export type Names = {
  /** The call on a client that names the table, with its schema where that is not public. */
  readonly memberships: string;
  readonly organizations: string;
};

/**
 * The signed-in user and the current organization: a store without React. It handles the states that
 * `.single()` in an effect does not: no organization, several, switching, another user, errors, late answers.
 */
export function organizationStore({ memberships, organizations }: Names): string {
  return `import type { SupabaseClient } from "@supabase/supabase-js";

export type Role = "owner" | "admin" | "member";

export type Membership = {
  readonly organization: { readonly id: string; readonly name: string; readonly slug: string };
  readonly role: Role;
};

export type OrganizationState =
  | { readonly kind: "loading" }
  | { readonly kind: "signed-out" }
  /** Signed in, but not a member of any organization. */
  | { readonly kind: "none"; readonly userId: string }
  /** A member of several organizations, who has not chosen one. */
  | { readonly kind: "choosing"; readonly userId: string; readonly memberships: readonly Membership[] }
  | {
      readonly kind: "ready";
      readonly userId: string;
      readonly current: Membership;
      readonly memberships: readonly Membership[];
    }
  | { readonly kind: "failed"; readonly userId: string; readonly message: string };

export type OrganizationStore = {
  getState(): OrganizationState;
  subscribe(listener: () => void): () => void;
  /** Listens to sign-in and sign-out, until the function that it returns is called. */
  start(): () => void;
  /** Switches to another organization of the user. */
  switchOrganization(id: string): void;
  /** Loads the memberships again: after an error, or after an invitation. */
  reload(): void;
};

export type StoreOptions = {
  /** Called when the user leaves an organization: clear caches here. */
  readonly onLeave: () => void;
  /** Stores each user's choice in this browser. */
  readonly storage?: Pick<Storage, "getItem" | "setItem">;
};

/** The current organization, as long as the page is open. */
export function createOrganizationStore(
  client: SupabaseClient,
  { onLeave, storage = globalThis.localStorage }: StoreOptions,
): OrganizationStore {
  const listeners = new Set<() => void>();
  let state: OrganizationState = { kind: "loading" };
  let userId: string | undefined;
  // The number of the last request: an answer to an earlier one, maybe of another user, is ignored.
  let lastRequest = 0;

  function become(next: OrganizationState): void {
    const left = state.kind === "ready" ? state.current.organization.id : undefined;
    const entered = next.kind === "ready" ? next.current.organization.id : undefined;
    state = next;
    if (left !== undefined && left !== entered) onLeave();
    for (const listener of listeners) listener();
  }

  function choose(user: string, memberships: readonly Membership[]): OrganizationState {
    const [only, ...others] = memberships;
    if (only === undefined) return { kind: "none", userId: user };
    const remembered = storage.getItem(keyOf(user));
    const current =
      others.length === 0
        ? only
        : memberships.find(({ organization }) => organization.id === remembered);
    return current === undefined
      ? { kind: "choosing", userId: user, memberships }
      : { kind: "ready", userId: user, current, memberships };
  }

  async function load(user: string): Promise<void> {
    lastRequest += 1;
    const request = lastRequest;
    let next: OrganizationState;
    try {
      next = choose(user, await readMemberships(client, user));
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      next = { kind: "failed", userId: user, message };
    }
    if (request === lastRequest) become(next);
  }

  function enter(user: string | undefined): void {
    // After a token refresh, the user is the same.
    if (user === userId && state.kind !== "loading") return;
    userId = user;
    lastRequest += 1;
    if (user === undefined) {
      become({ kind: "signed-out" });
      return;
    }
    become({ kind: "loading" });
    // supabase-js holds a lock while it calls this listener: a query must wait until it returns.
    setTimeout(() => {
      if (userId === user) void load(user);
    }, 0);
  }

  return {
    getState: () => state,
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    start() {
      const { data } = client.auth.onAuthStateChange((_event, session) => {
        enter(session?.user.id);
      });
      return () => data.subscription.unsubscribe();
    },
    switchOrganization(id) {
      if (state.kind !== "ready" && state.kind !== "choosing") return;
      const { userId: user, memberships } = state;
      const current = memberships.find(({ organization }) => organization.id === id);
      if (current === undefined) throw new Error("not a member of this organization");
      storage.setItem(keyOf(user), id);
      become({ kind: "ready", userId: user, current, memberships });
    },
    reload() {
      if (userId === undefined) return;
      if (state.kind === "failed") become({ kind: "loading" });
      void load(userId);
    },
  };
}

/** One key for each user, because several users may share a browser. */
function keyOf(user: string): string {
  return \`organization:\${user}\`;
}

async function readMemberships(client: SupabaseClient, user: string): Promise<Membership[]> {
  const { data, error } = await client
    ${memberships}
    .select("role, organization:${organizations}(id, name, slug)")
    .eq("user_id", user);
  if (error !== null) throw new Error(error.message);
  const rows = data as unknown as Membership[];
  return [...rows].sort((one, other) =>
    one.organization.name.localeCompare(other.organization.name),
  );
}
`;
}
