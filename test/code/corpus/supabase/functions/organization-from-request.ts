// expect: select leads service-role unfenced → left unfenced-query
import { adminClient } from "./_shared/clients.ts";

Deno.serve(async (req) => {
  const { organizationId } = await req.json();
  const { data } = await adminClient().from("leads").select(organizationId);
  return new Response(String(data.length));
});
