// expect: select leads or campaigns user-key unfenced → fenced
// runs: [await load("leads", own), await load("campaigns", own)]
import { supabase } from "@/client";

export function load(table: "leads" | "campaigns", organizationId: string) {
  return supabase.from(table).select("*");
}
