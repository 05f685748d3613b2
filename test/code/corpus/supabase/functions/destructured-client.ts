// expect: select leads service-role unfenced → fenced
// runs: handle(own)
import { adminClient } from "./_shared/clients.ts";

async function work({ supabase, organizationId }: { supabase: ReturnType<typeof adminClient>; organizationId: string }) {
  return supabase.from("leads").select("*");
}

export const handle = (organizationId: string) => work({ supabase: adminClient(), organizationId });
