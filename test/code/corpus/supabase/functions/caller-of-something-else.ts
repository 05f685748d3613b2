// expect: select leads service-role unfenced → left unfenced-query
import { adminClient } from "./_shared/clients.ts";

export const work = async (req: Request) => {
  const { data: { user } } = await adminClient().auth.getUser();
  if (!user) return new Response(req.url);
  return Response.json(await adminClient().from("leads").select("*"));
};
