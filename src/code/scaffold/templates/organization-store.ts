/** What the files that are made name of the project and of its database. */
export type Names = {
  /** Tables with their schema where that is not public, as a chain on a client. */
  readonly memberships: string;
  readonly organizations: string;
};

/**
 * Who is signed in, and for which organization: a store without React. It has every state that
 * `.single()` in an effect gets wrong: none, several, switching, somebody else, errors, late answers.
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
  /** Signed in, and nobody has invited them yet. */
  | { readonly kind: "none"; readonly userId: string }
  /** Of several organizations, and has not said which. */
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
  /** Follows who is signed in, until the function that it returns is called. */
  start(): () => void;
  /** Goes on for another organization that the user is a member of. */
  switchOrganization(id: string): void;
  /** Asks for the memberships again: after an error, or after an invitation. */
  reload(): void;
};

export type StoreOptions = {
  /** Called whenever what was loaded must not be seen any more: caches are cleared here. */
  readonly onLeave: () => void;
  /** Remembers each user's choice in this browser. */
  readonly storage?: Pick<Storage, "getItem" | "setItem">;
};

/** Whose rows are asked for, as long as the page is open. */
export function createOrganizationStore(
  client: SupabaseClient,
  { onLeave, storage = globalThis.localStorage }: StoreOptions,
): OrganizationStore {
  const listeners = new Set<() => void>();
  let state: OrganizationState = { kind: "loading" };
  let userId: string | undefined;
  // An answer for an earlier question, maybe an earlier user, comes too late.
  let question = 0;

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
    question += 1;
    const asked = question;
    let next: OrganizationState;
    try {
      next = choose(user, await readMemberships(client, user));
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      next = { kind: "failed", userId: user, message };
    }
    if (asked === question) become(next);
  }

  function enter(user: string | undefined): void {
    // A token that was refreshed is still the same user's.
    if (user === userId && state.kind !== "loading") return;
    userId = user;
    question += 1;
    if (user === undefined) {
      become({ kind: "signed-out" });
      return;
    }
    become({ kind: "loading" });
    // supabase-js holds a lock while it tells who is signed in: it is asked afterwards.
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

/** Each user has a choice of their own on a browser that several use. */
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
