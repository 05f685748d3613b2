// expect: select leads user-key unfenced → fenced
// becomes: return supabase.from("leads").select("*").eq("organization_id", organizationId);
import { supabase } from "@/client";

export function load(organizationId: string | null) {
  if (organizationId === null) return undefined;
  return supabase.from("leads").select("*");
}
