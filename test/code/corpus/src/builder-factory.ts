// expect: select leads user-key unfenced → fenced
// expect: delete campaigns user-key unfenced → fenced
// becomes: export const load = (organizationId: string) => table("leads").select("*").eq("organization_id", organizationId);
// runs: [await load(own), await clear(own)]
import { supabase } from "@/client";

const table = (name: string) => supabase.from(name);

export const load = (organizationId: string) => table("leads").select("*");
export function clear(organizationId: string) {
  return table("campaigns").delete();
}
