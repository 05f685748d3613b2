// expect: select leads service-role unfenced → fenced
// expect: select organizations service-role no organization → unchanged
import { createClient, type SupabaseClient } from "https://esm.sh/@supabase/supabase-js@2";

class Leads {
  constructor(private readonly context: { client: SupabaseClient; organizationId: string }) {}
  async all() {
    const { client, organizationId } = this.context;
    return [await client.from("leads").select("*"), organizationId];
  }
}

export async function nightly() {
  const client = createClient("", Deno.env.get("SUPABASE_SERVICE_ROLE_KEY") ?? "");
  const { data: organizations } = await client.from("organizations").select("id");
  for (const { id } of organizations) await new Leads({ client, organizationId: id }).all();
}
