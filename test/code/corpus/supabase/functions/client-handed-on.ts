// expect: select leads unknown unfenced → fenced
// expect: select leads user-key unfenced → fenced
// expect: select leads service-role unfenced → fenced
import { adminClient, callerClient } from "./_shared/clients.ts";

const load = (client: ReturnType<typeof callerClient>, organizationId: string) =>
  client.from("leads").select("*");

export const jobs = { load };
export const asUser = (own: string) => load(callerClient(""), own);

const read = (client: ReturnType<typeof callerClient>, organizationId: string) =>
  client.from("leads").select("*");
const withUser = (work: typeof read, own: string) => work(callerClient(""), own);

export const asReader = (own: string) => withUser(read, own);

const clear = (client: ReturnType<typeof callerClient>, organizationId: string) =>
  client.from("leads").select("*");
const withAdmin = (work: typeof clear, own: string) => work(adminClient(), own);

export const asAdmin = (own: string) => withAdmin(clear, own);
