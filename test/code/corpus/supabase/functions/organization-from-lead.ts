// expect: select leads service-role unfenced → left unfenced-query
// expect: insert call_logs service-role (object) unfenced → fenced
// becomes: await client.from("call_logs").insert({ lead_id: id, organization_id: organizationId });
import { adminClient } from "./_shared/clients.ts";

Deno.serve(async (req) => {
  const { id } = await req.json();
  const client = adminClient();
  const { data: lead } = await client.from("leads").select("organization_id").eq("id", id).single();
  const organizationId = lead.organization_id;
  await client.from("call_logs").insert({ lead_id: id });
  return new Response();
});
