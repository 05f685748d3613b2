// expect: insert leads user-key (map and filter) unfenced → fenced
// runs: add(own, ["1", "2"])
import { supabase } from "@/client";

export async function add(organizationId: string, phones: string[]) {
  await supabase.from("leads").insert(phones.filter(Boolean).map((phone) => ({ phone })));
}
