export function useOrganization(): { organizationId: string; name: string } {
  return { organizationId: "", name: "" };
}
