// expect: delete leads service-role unfenced → left unfenced-query
import { adminClient } from "./_shared/clients.ts";

Deno.serve(async (request) => {
  const organizationId = request.headers.get("x-organization-id")!;
  await adminClient().from("leads").delete().eq("id", organizationId);
  return new Response();
});
