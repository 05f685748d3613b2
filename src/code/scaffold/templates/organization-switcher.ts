/** A select of the user's organizations; nothing where there is only one. */
export function organizationSwitcher(context: string): string {
  return `import { useOrganizationActions, useOrganizationState } from "${context}";

/** Lets a member of several organizations go from one to another. */
export function OrganizationSwitcher() {
  const state = useOrganizationState();
  const { switchOrganization } = useOrganizationActions();
  if (state.kind !== "ready" || state.memberships.length < 2) return null;
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
