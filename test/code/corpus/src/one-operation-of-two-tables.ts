// expect: select leads user-key unfenced → fenced
// expect: select campaigns user-key unfenced → fenced
// becomes: return table.select("*").eq("organization_id", organizationId);
// runs: [await load(own, true), await load(own, false)]
import { supabase } from "@/client";

export function load(organizationId: string, wanted: boolean) {
  let table = supabase.from("leads");
  if (wanted) table = supabase.from("campaigns");
  return table.select("*");
}
