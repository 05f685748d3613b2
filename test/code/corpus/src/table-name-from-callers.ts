// expect: select leads or call_logs user-key unfenced → fenced
// runs: [await leads(own), await calls(own)]
import { supabase } from "@/client";

function load(table: string, organizationId: string) {
  return supabase.from(table).select("*");
}

export const leads = (own: string) => load("leads", own);
export const calls = (own: string) => load("call_logs", own);
