// expect: select leads user-key unfenced → fenced
// becomes: let query = supabase.from("leads").select("*").eq("organization_id", organizationId);
// runs: search(own, "new")
import { supabase } from "@/client";

export async function search(organizationId: string, status?: string) {
  let query = supabase.from("leads").select("*");
  if (status !== undefined) query = query.eq("status", status);
  const { data } = await query.order("id");
  return data;
}
