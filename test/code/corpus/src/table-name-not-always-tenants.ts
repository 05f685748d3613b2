// expect: select leads or area_codes user-key unfenced → left unfenced-query
import { supabase } from "@/client";

export function load(table: "leads" | "area_codes", organizationId: string) {
  return supabase.from(table).select(organizationId);
}
