// expect: select leads or campaigns user-key unfenced → fenced
import { supabase } from "@/client";

export function load(table: "leads" | "campaigns", organizationId: string) {
  return supabase.from(table).select("*");
}
