// expect: insert leads user-key (call) unfenced → fenced
// becomes: await supabase.from("leads").insert({ ...(await made()), organization_id: organizationId });
// runs: add(own)
import { supabase } from "@/client";

const made = async () => ({ phone: "1" });

export async function add(organizationId: string) {
  await supabase.from("leads").insert(await made());
}
