// expect: select leads user-key fenced → unchanged
// runs: load(own)
import { supabase } from "@/client";

export function load(organizationId: string) {
  return supabase.from("leads").select("*").match({ status: "new", organization_id: organizationId });
}
