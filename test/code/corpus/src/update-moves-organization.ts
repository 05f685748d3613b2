// expect: update leads user-key (object) fenced → left organization-overwritten
import { supabase } from "@/client";

export async function move(own: string, other: string) {
  await supabase.from("leads").update({ organization_id: other }).eq("organization_id", own);
}
