// expect: select leads user-key annotated → unchanged
import { supabase } from "@/client";

export async function total() {
  return supabase.from("leads").select("id"); // tenantry: all-organizations because it is public
}
