// expect: select leads service-role unfenced → fenced
// runs: load(own)
import { adminClient } from "./_shared/clients.ts";

async function withClient<Result>(work: (client: ReturnType<typeof adminClient>) => Promise<Result>) {
  return work(adminClient());
}

export const load = (organizationId: string) =>
  withClient(async (client) => client.from("leads").select("*"));
