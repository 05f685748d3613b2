// expect: select leads user-key unfenced → left unfenced-query
import { supabase } from "@/client";

export async function load(): Promise<unknown> {
  const leads = await supabase.from("leads").select("*");
  const organizationId = "later";
  return [leads, organizationId];
}
