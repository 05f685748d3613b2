// expect: select organizations service-role no organization → unchanged
// expect: select campaigns service-role unfenced → fenced
// becomes: .eq("organization_id", organizationId)
import { adminClient } from "./_shared/clients.ts";

Deno.serve(async () => {
  const client = adminClient();
  const { data } = await client.from("organizations").select("id");
  for (const { id: organizationId } of data) {
    await client
      .from("campaigns")
      .select("*")
      .eq("status", "due");
  }
  return new Response();
});
