export type ContextNames = {
  /** How the client is imported: its name, and the module. */
  readonly client: { readonly name: string; readonly from: string };
  readonly hook: string;
  readonly organization: string;
  /** Whether @tanstack/react-query caches rows that another organization must not see. */
  readonly reactQuery: boolean;
  /** Whether it is Next, where files with hooks need "use client". */
  readonly next: boolean;
};

export const clientOnly = `"use client";\n\n`;

/** The context, the boundary and the hooks for React. */
export function organizationContext(names: ContextNames): string {
  const { client, hook, organization, reactQuery, next } = names;
  const query = reactQuery ? `import { useQueryClient } from "@tanstack/react-query";\n` : "";
  return `${next ? clientOnly : ""}${query}import {
  createContext,
  Fragment,
  type ReactNode,
  useContext,
  useEffect,
  useState,
  useSyncExternalStore,
} from "react";
import { ${client.name} } from "${client.from}";
import {
  createOrganizationStore,
  type Membership,
  type OrganizationState,
  type OrganizationStore,
} from "./organization-store";

const OrganizationContext = createContext<OrganizationStore | undefined>(undefined);

/** Knows the signed-in user and the current organization. Put it around the whole application, once. */
export function OrganizationProvider({ children }: { readonly children: ReactNode }) {
${
  reactQuery
    ? `  const queryClient = useQueryClient();
  const [store] = useState(() =>
    createOrganizationStore(${client.name}, { onLeave: () => queryClient.clear() }),
  );`
    : `  // Clear here what the application stores of an organization when the user leaves it.
  const [store] = useState(() => createOrganizationStore(${client.name}, { onLeave: () => {} }));`
}
  useEffect(() => store.start(), [store]);
  return <OrganizationContext.Provider value={store}>{children}</OrganizationContext.Provider>;
}

function useStore(): OrganizationStore {
  const store = useContext(OrganizationContext);
  if (store === undefined) throw new Error("OrganizationProvider is missing: put it around the application");
  return store;
}

/** The current state, for pages that show something else in each. */
export function useOrganizationState(): OrganizationState {
  const store = useStore();
  return useSyncExternalStore(store.subscribe, store.getState);
}

/** Switches the organization, or loads the memberships again. */
export function useOrganizationActions(): Pick<OrganizationStore, "switchOrganization" | "reload"> {
  return useStore();
}

export type CurrentOrganization = {
  readonly ${organization}: string;
  /** Undefined outside a boundary, while the organization is not known. */
  readonly organization: Membership["organization"] | undefined;
  readonly role: Membership["role"] | undefined;
  readonly organizations: readonly Membership[];
  readonly switchOrganization: (id: string) => void;
};

let isWarned = false;

/**
 * The current organization. Inside an OrganizationBoundary it is always known. Outside, for example while
 * the user is signed out, its id is "", which no row has, and the page is still shown.
 */
export function ${hook}(): CurrentOrganization {
  const state = useOrganizationState();
  const { switchOrganization } = useStore();
  if (state.kind === "ready") {
    const { current, memberships } = state;
    return {
      ${organization}: current.organization.id,
      organization: current.organization,
      role: current.role,
      organizations: memberships,
      switchOrganization,
    };
  }
  if (!isWarned) {
    isWarned = true;
    console.warn("${hook} is called outside an OrganizationBoundary, before an organization is known");
  }
  return {
    ${organization}: "",
    organization: undefined,
    role: undefined,
    organizations: [],
    switchOrganization,
  };
}

export type OrganizationBoundaryProps = {
  readonly children: ReactNode;
  readonly loading?: ReactNode;
  readonly signedOut?: ReactNode;
  readonly none?: ReactNode;
};

/**
 * Shows its children only when an organization is chosen, and mounts them again when it changes: no
 * component keeps a row of the previous organization.
 */
export function OrganizationBoundary({
  children,
  loading = <p role="status">Loading your organizations …</p>,
  signedOut = null,
  none = <p>You are not a member of any organization yet. Ask an owner to invite you.</p>,
}: OrganizationBoundaryProps) {
  const state = useOrganizationState();
  const { switchOrganization, reload } = useStore();
  switch (state.kind) {
    case "loading":
      return <section className="organization">{loading}</section>;
    case "signed-out":
      return signedOut;
    case "none":
      return (
        <section className="organization">
          <h2>No organization yet</h2>
          {none}
          <button type="button" onClick={reload}>
            Look again
          </button>
        </section>
      );
    case "failed":
      return (
        <section className="organization">
          <p role="alert">Your organizations could not be loaded: {state.message}</p>
          <button type="button" onClick={reload}>
            Try again
          </button>
        </section>
      );
    case "choosing":
      return (
        <section className="organization">
          <h2>Which organization?</h2>
          <p>You are a member of several organizations. You can switch between them at any time.</p>
          <ul>
            {state.memberships.map(({ organization }) => (
              <li key={organization.id}>
                <button type="button" onClick={() => switchOrganization(organization.id)}>
                  {organization.name}
                </button>
              </li>
            ))}
          </ul>
        </section>
      );
    case "ready":
      return <Fragment key={state.current.organization.id}>{children}</Fragment>;
  }
}
`;
}
