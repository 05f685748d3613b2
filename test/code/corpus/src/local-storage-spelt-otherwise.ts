// expect: localStorage unfenced → left shared-cache
// expect: localStorage unfenced → left shared-cache
// expect: localStorage unfenced → left shared-cache
// expect: localStorage unfenced → left shared-cache
// expect: localStorage unfenced → left shared-cache
// expect: localStorage unfenced → left shared-cache
// expect: sessionStorage unfenced → fenced
// expect: sessionStorage unfenced → fenced
const place = "last place";

export const write = (organizationId: string, lead: { id: string }) =>
  localStorage.setItem(`note of ${lead.id}`, organizationId);
export const read = (leadId: string) => localStorage.getItem(`note of ${leadId}`);

export const keep = (organizationId: string) => localStorage.setItem("last place", organizationId);
export const kept = () => localStorage.getItem(place);

export const sort = (organizationId: string, isUp: boolean) =>
  localStorage.setItem(`sorted ${isUp ? "up" : "down"}`, organizationId);
export const sorted = () => localStorage.getItem("sorted down");

export const draft = (organizationId: string, lead: { id: string }) =>
  sessionStorage.setItem(`lead draft of ${lead.id}`, organizationId);
export const drafted = (organizationId: string, leadId: string) =>
  [sessionStorage.getItem(`lead draft of ${leadId}`), organizationId];
