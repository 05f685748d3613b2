// expect: localStorage unfenced → left shared-cache
// expect: localStorage unfenced → left shared-cache
export const write = (organizationId: string) => localStorage.setItem("last lead", organizationId);
export const read = () => localStorage.getItem("last lead");
