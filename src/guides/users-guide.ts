/** For whoever works in the application. */
export function usersGuide(): string {
  return `# Organizations

Everything that you see belongs to your organization: the company or team that you work in. Nobody of
another organization sees it, and you see nothing of theirs.

- **Nothing is there?** You are not a member of any organization yet. Ask an owner or admin of yours to
  invite you.
- **You work for several?** Choose one at the top. What you see and write is of that one, until you choose
  another; your choice is remembered in this browser, for you alone.
- **Owners and admins** decide who belongs to the organization and in which role, and edit what is of the
  organization as a whole. Members work with the rest.
- **You leave an organization?** From that moment on you see nothing of it. What you wrote stays with it.
- **Something of another company shows?** That must never be. Do not touch it, and report it at once.
`;
}
