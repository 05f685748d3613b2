// expect: insert leads user-key (object) unfenced → left insert-without-organization
// expect: insert leads user-key (object) unfenced → fenced
// becomes: await supabase.from("leads").insert({ phone: "2", organization_id: organizationId });
import { supabase } from "@/client";

type Old = { from(table: string): { insert(row: { phone: string }): Promise<void> } };
const old: Old = supabase as unknown as Old;

export async function add(organizationId: string) {
  await old.from("leads").insert({ phone: "1" });
  await supabase.from("leads").insert({ phone: "2" });
}
