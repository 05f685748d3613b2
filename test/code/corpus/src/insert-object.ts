// expect: insert leads user-key (object) unfenced → fenced
// becomes: await supabase.from("leads").insert({ phone: "1", name: "a", organization_id: organizationId });
// runs: add(own)
import { supabase } from "@/client";

export async function add(organizationId: string) {
  await supabase.from("leads").insert({ phone: "1", name: "a" });
}
