// expect: insert leads user-key (map) unfenced → fenced
// becomes: organization_id: organizationId,
// runs: add(own, ["1"])
import { supabase } from "@/client";

export async function add(organizationId: string, phones: string[]) {
  await supabase.from("leads").insert(
    phones.map((phone) => {
      const digits = phone.replace(/\D/g, "");
      return {
        phone,
        digits,
      };
    }),
  );
}
