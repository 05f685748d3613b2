// expect: insert leads user-key (parameter) unfenced → left insert-without-organization
import { supabase } from "@/client";

export async function add(organizationId: string, leads: any) {
  await supabase.from("leads").insert(leads);
  return organizationId;
}
