// expect: select leads unknown unfenced → fenced
export const load = (organizationId: string, client: any) => client.from("leads").select("*");
