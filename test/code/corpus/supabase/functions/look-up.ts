// expect: select campaigns service-role look-up → unchanged
// expect: select sms_messages service-role look-up → unchanged
import { adminClient } from "./_shared/clients.ts";

export async function find(to: string, sid: string) {
  const client = adminClient();
  const campaign = await client.from("campaigns").select("*").eq("phone_number", to).single();
  return [campaign, await client.from("sms_messages").select("organization_id").eq("provider_id", sid).single()];
}
