// expect: update leads user-key (declared earlier) unfenced → fenced
// becomes: await supabase.from("leads").update(changes).eq("organization_id", organizationId).eq("id", "1");
import { supabase } from "@/client";

export async function change(organizationId: string, name?: string) {
  const changes: Record<string, string> = { status: "called" };
  if (name !== undefined) changes.name = name;
  await supabase.from("leads").update(changes).eq("id", "1");
}
