// expect: insert leads user-key (other) unfenced → fenced
// becomes: await supabase.from("leads").insert(Array.from({ length: 3 }, (_, n) => ({ phone: String(n), organization_id: organizationId })));
// runs: add(own)
import { supabase } from "@/client";

export async function add(organizationId: string) {
  await supabase.from("leads").insert(Array.from({ length: 3 }, (_, n) => ({ phone: String(n) })));
}
