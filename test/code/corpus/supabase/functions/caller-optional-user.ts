// expect: select leads service-role unfenced → left unfenced-query
import { adminClient } from "./_shared/clients.ts";

Deno.serve(async (req) => {
  const { data } = await adminClient().auth.getUser(req.headers.get("Authorization") ?? "");
  const { data: leads } = await adminClient().from("leads").select("*");
  return Response.json({ leads, user: data.user?.id });
});
