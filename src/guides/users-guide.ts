/** The guide for people who work with the application. */
export function usersGuide(): string {
  return `# Organizations

Everything that you see belongs to your organization: the company or team that you work in. People of other
organizations do not see it, and you do not see theirs.

- **You see no data?** You are not a member of an organization yet. Ask an owner or admin of yours to invite
  you.
- **You work for several organizations?** Choose one at the top. You see and write the data of that one until
  you choose another. Your browser remembers the choice for you alone.
- **Owners and admins** decide who is a member of the organization and in which role, and edit its settings.
  Members work with the rest.
- **You leave an organization?** From then on you see none of its data. What you wrote stays there.
- **You see data of another company?** That is a serious error. Do not use the data, and report it at once.
`;
}
