// expect: select leads service-role unfenced → left unfenced-query
import { adminClient } from "./_shared/clients.ts";

Deno.serve(async (req) => {
  const early = await all();
  const { data: { user } } = await adminClient().auth.getUser();
  if (!user) return new Response(req.url);
  async function all() {
    return await adminClient().from("leads").select("*");
  }
  return Response.json(early);
});
