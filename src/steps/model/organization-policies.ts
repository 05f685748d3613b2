/** The names of the policies on the organizations and on the memberships, as Day 1 creates them. */
export const organizationPolicies = {
  organizations: { guard: "Only their organization", view: "Users view their organization" },
  memberships: { guard: "Only their org memberships", view: "Users view their org memberships" },
} as const;
