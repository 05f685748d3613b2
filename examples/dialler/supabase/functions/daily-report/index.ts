import { createClient } from "@supabase/supabase-js";

/** Called by cron: how many leads are waiting for a call. */
Deno.serve(async () => {
  const admin = createClient(
    Deno.env.get("SUPABASE_URL") ?? "",
    Deno.env.get("SUPABASE_SERVICE_ROLE_KEY") ?? "",
  );
  const { count, error } = await admin
    .from("leads")
    .select("id", { count: "exact", head: true })
    .eq("status", "new");
  if (error !== null) return Response.json({ error: error.message }, { status: 500 });
  return Response.json({ waiting: count });
});
