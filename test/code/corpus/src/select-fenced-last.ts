// expect: select leads user-key fenced → unchanged
// runs: load(own)
import { supabase } from "@/client";

export function load(current: string) {
  return supabase.from("leads").select("*").eq("status", "new").order("id").eq("organization_id", current);
}
