// expect: localStorage unfenced → fenced
// expect: localStorage unfenced → left shared-cache
// becomes: localStorage[`draft of a lead:${organizationId}`] = value;
export function keep(organizationId: string, value: string) {
  localStorage["draft of a lead"] = value;
  localStorage.draftOfCall = organizationId;
}
