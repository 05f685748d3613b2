// expect: select leads user-key fenced → unchanged
// runs: load([own])
import { supabase } from "@/client";

export function load(mine: string[]) {
  return supabase.from("leads").select("*").in("organization_id", mine);
}
