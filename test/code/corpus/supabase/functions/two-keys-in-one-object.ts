// expect: select leads user-key unfenced → fenced
// expect: select leads service-role unfenced → fenced
import { createClient } from "https://esm.sh/@supabase/supabase-js@2";

const keys = {
  user: Deno.env.get("SUPABASE_ANON_KEY")!,
  service: Deno.env.get("SUPABASE_SERVICE_ROLE_KEY")!,
};
const user = createClient("https://x.example", keys.user);
const service = createClient("https://x.example", keys.service);

export const load = (organizationId: string) => user.from("leads").select("*");
export const all = (organizationId: string) => service.from("leads").select("*");
