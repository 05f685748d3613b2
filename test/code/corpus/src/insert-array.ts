// expect: insert leads user-key (array) unfenced → fenced
// becomes: { phone: "1", organization_id: organizationId },
// becomes: { phone: "2", organization_id: organizationId },
// runs: add(own)
import { supabase } from "@/client";

export async function add(organizationId: string) {
  await supabase.from("leads").insert([
    { phone: "1" },
    { phone: "2" },
  ]);
}
