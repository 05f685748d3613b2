// expect: select leads user-key unfenced → fenced
import { supabase } from "@/client";

export function total(organizationId: string) {
  return supabase.from("leads").select("// tenantry: all-organizations because I say so");
}
