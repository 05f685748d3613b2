// expect: select leads service-role unfenced → left unfenced-query
import { createClient } from "@supabase/supabase-js";

const admin = createClient("https://x.example", import.meta.env.SUPABASE_SERVICE_ROLE_KEY ?? "");

export async function POST(request: Request) {
  const { organizationId } = await request.json();
  return Response.json({ rows: await admin.from("leads").select("*"), organizationId });
}
