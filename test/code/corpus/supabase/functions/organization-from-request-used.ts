// expect: select leads service-role fenced → left organization-from-request
// expect: insert leads service-role (object) fenced → left organization-from-request
import { adminClient } from "./_shared/clients.ts";

Deno.serve(async (req) => {
  const body = await req.json();
  const client = adminClient();
  const { data } = await client.from("leads").select("*").eq("organization_id", body.organization_id);
  await client.from("leads").insert({ phone: "1", organization_id: body.organization_id });
  return new Response(String(data.length));
});
