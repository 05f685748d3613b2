// expect: select leads service-role unfenced → left unfenced-query
import { adminClient } from "./_shared/clients.ts";

Deno.serve(async (req) => {
  let { data: { user } } = await adminClient().auth.getUser();
  user ??= { id: req.url };
  if (!user) return new Response();
  return Response.json(await adminClient().from("leads").select("*"));
});
