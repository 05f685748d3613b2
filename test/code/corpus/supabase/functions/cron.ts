// expect: select campaigns service-role unfenced → left unfenced-query
import { adminClient } from "./_shared/clients.ts";

Deno.serve(async () => {
  const { data } = await adminClient().from("campaigns").select("*").eq("status", "due");
  return new Response(String(data.length));
});
