// expect: select leads service-role unfenced → fenced
// becomes: return await client.from("leads").select("*").eq("organization_id", organizationId).eq("id", id).single();
import { adminClient } from "./_shared/clients.ts";

async function load(client: any, organizationId: string, id: string) {
  return await client.from("leads").select("*").eq("id", id).single();
}

export async function handle(organizationId: string) {
  const client = adminClient();
  return load(client, organizationId, "1");
}
