// expect: insert leads user-key (map and filter) unfenced → fenced
// becomes: .map((phone) => ({ phone, organization_id: organizationId }))
// runs: add(own, ["1", ""])
import { supabase } from "@/client";

export async function add(organizationId: string, phones: string[]) {
  await supabase.from("leads").insert(
    phones
      .map((phone) => ({ phone }))
      .filter(({ phone }) => phone !== ""),
  );
}
