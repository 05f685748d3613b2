// expect: select leads service-role unfenced → fenced
// expect: insert call_logs service-role (object) unfenced → fenced
// becomes: import { callerOrganization } from "./_shared/organization.ts";
// becomes: const { organizationId } = await callerOrganization(req);
// becomes: .eq("organization_id", organizationId)
import { adminClient, callerClient } from "./_shared/clients.ts";

const headers = { "Access-Control-Allow-Origin": "*" };

Deno.serve(async (req) => {
  if (req.method === "OPTIONS") return new Response("ok", { headers });
  try {
    const client = callerClient(req.headers.get("Authorization") ?? "");
    const { data: { user } } = await client.auth.getUser();
    if (!user) {
      return new Response("sign in first", { status: 401, headers });
    }
    const { id } = await req.json();
    const admin = adminClient();
    const { data: leads } = await admin
      .from("leads")
      .select("*")
      .eq("id", id);
    await Promise.all(leads.map(async () => {
      await admin.from("call_logs").insert({ lead_id: id });
    }));
    return new Response("done", { headers });
  } catch (error) {
    return new Response(String(error), { status: 500, headers });
  }
});
