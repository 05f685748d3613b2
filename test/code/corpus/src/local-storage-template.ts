// expect: sessionStorage unfenced → fenced
// becomes: window.sessionStorage.setItem(`draft-${id}:${organizationId}`, value);
export function keep(organizationId: string, id: string, value: string) {
  window.sessionStorage.setItem(`draft-${id}`, value);
}
