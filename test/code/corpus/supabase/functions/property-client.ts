// expect: update leads service-role (object) unfenced → fenced
// becomes: await context.supabase.from("leads").update({ status: "x" }).eq("organization_id", organizationId).eq("id", 1);
import { adminClient } from "./_shared/clients.ts";

type Context = { supabase: ReturnType<typeof adminClient>; caller: string };

async function work(context: Context, organizationId: string) {
  await context.supabase.from("leads").update({ status: "x" }).eq("id", 1);
}

export const handle = (own: string) => work({ supabase: adminClient(), caller: "me" }, own);
