// expect: select leads service-role unfenced → left unfenced-query
import { adminClient } from "./_shared/clients.ts";

Deno.serve(async () => {
  const { data: { user } } = await adminClient().auth.getUser();
  if (!user) return new Response();
  return Response.json(await adminClient().from("leads").select("*"));
});
