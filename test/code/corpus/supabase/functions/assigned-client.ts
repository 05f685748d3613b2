// expect: select leads service-role unfenced → fenced
// runs: load(own)
import { createClient, type SupabaseClient } from "https://esm.sh/@supabase/supabase-js@2";

let client: SupabaseClient;

export function load(organizationId: string) {
  client = createClient("https://x.example", Deno.env.get("SUPABASE_SERVICE_ROLE_KEY")!);
  return client.from("leads").select("*");
}
