import { clientOnly } from "./organization-context.ts";

/** A select of the user's organizations, or only the name where there is one. */
export function organizationSwitcher(context: string, next: boolean): string {
  return `${next ? clientOnly : ""}import { useOrganizationActions, useOrganizationState } from "${context}";

/** Shows the current organization, and lets a member of several switch. */
export function OrganizationSwitcher() {
  const state = useOrganizationState();
  const { switchOrganization } = useOrganizationActions();
  if (state.kind !== "ready") return null;
  if (state.memberships.length < 2) {
    return <span className="organization-name">{state.current.organization.name}</span>;
  }
  return (
    <select
      aria-label="Organization"
      value={state.current.organization.id}
      onChange={(event) => switchOrganization(event.target.value)}
    >
      {state.memberships.map(({ organization }) => (
        <option key={organization.id} value={organization.id}>
          {organization.name}
        </option>
      ))}
    </select>
  );
}
`;
}
