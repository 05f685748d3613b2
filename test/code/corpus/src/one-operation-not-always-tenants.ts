// expect: select leads user-key unfenced → left unfenced-query
// expect: select area_codes user-key no organization → unchanged
import { supabase } from "@/client";

export function load(organizationId: string, wanted: boolean) {
  let table = supabase.from("leads");
  if (wanted) table = supabase.from("area_codes");
  return table.select(organizationId);
}
