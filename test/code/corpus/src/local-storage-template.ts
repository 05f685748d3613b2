// expect: sessionStorage unfenced → fenced
// becomes: window.sessionStorage.setItem(`lead-${id}:${organizationId}`, value);
export function keep(organizationId: string, id: string, value: string) {
  window.sessionStorage.setItem(`lead-${id}`, value);
}
