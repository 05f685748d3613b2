// expect: select leads user-key unfenced → fenced
// becomes: const rows = await client.from("leads").select("*").eq("organization_id", organizationId).eq("organization_id", null);
import { supabase } from "@/client";

const client: any = supabase;

export async function load(organizationId: string) {
  const rows = await client.from("leads").select("*").eq("organization_id", null);
  return rows;
}
