// expect: insert leads user-key (object with a spread) fenced → unchanged
// runs: add(own, "a note")
import { supabase } from "@/client";

export async function add(organizationId: string, note?: string) {
  await supabase.from("leads").insert({ organization_id: organizationId, ...(note && { note }) });
}
