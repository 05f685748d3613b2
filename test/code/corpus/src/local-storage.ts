// expect: localStorage unfenced → fenced
// expect: localStorage unfenced → fenced
// becomes: localStorage.setItem(`lead filter:${organizationId}`, value);
// becomes: return localStorage.getItem(`lead filter:${organizationId}`);
export function keep(organizationId: string, value: string) {
  localStorage.setItem("lead filter", value);
  return localStorage.getItem("lead filter");
}
