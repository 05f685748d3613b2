// expect: update leads user-key (object) fenced → fenced
// becomes: await supabase.from("leads").update({ [column]: 1, organization_id: undefined }).eq("organization_id", own);
import { supabase } from "@/client";

export async function change(own: string, column: string) {
  await supabase.from("leads").update({ [column]: 1 }).eq("organization_id", own);
}
