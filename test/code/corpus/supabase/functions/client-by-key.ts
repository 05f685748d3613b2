// expect: select leads service-role unfenced → fenced
// runs: load(own)
import { createClient } from "https://esm.sh/@supabase/supabase-js@2";

const made = (key: string) => createClient("https://x.example", key);

export function load(organizationId: string) {
  return made(Deno.env.get("SUPABASE_SERVICE_ROLE_KEY")!).from("leads").select("*");
}
