import { createClient } from "@supabase/supabase-js";

const outcomes: Record<string, string> = { interested: "interested", callback: "callback" };

Deno.serve(async (request) => {
  const { lead_id: leadId, disposition } = await request.json();
  const status = outcomes[disposition];
  if (status === undefined) return Response.json({ error: "no disposition" }, { status: 400 });
  const admin = createClient(
    Deno.env.get("SUPABASE_URL") ?? "",
    Deno.env.get("SUPABASE_SERVICE_ROLE_KEY") ?? "",
  );
  const { data: leads, error } = await admin
    .from("leads")
    .update({ status })
    .eq("id", leadId)
    .select("id, phone");
  if (error !== null) return Response.json({ error: error.message }, { status: 500 });
  const [lead] = leads;
  if (lead === undefined) return Response.json({ error: "no such lead" }, { status: 404 });
  await admin.from("call_logs").insert({
    lead_id: lead.id,
    phone_number: lead.phone,
    status: "completed",
    outcome: disposition,
  });
  return Response.json({ lead_id: lead.id, status });
});
