// expect: select leads user-key annotated → unchanged
// expect: select campaigns user-key annotated → unchanged
import { supabase } from "@/client";

export async function both() {
  // tenantry: all-organizations because the landing page counts
  // both of them
  return Promise.all([
    supabase.from("leads").select("id"),
    supabase.from("campaigns").select("id"),
  ]);
}
