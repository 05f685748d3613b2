// expect: update leads user-key (parameter) fenced → fenced
// becomes: await supabase.from("leads").update({ ...updates, organization_id: undefined }).eq("organization_id", own);
// runs: change(own, { status: "taken", organization_id: theirs })
import { supabase } from "@/client";

export async function change(own: string, updates: object) {
  await supabase.from("leads").update(updates).eq("organization_id", own);
}
