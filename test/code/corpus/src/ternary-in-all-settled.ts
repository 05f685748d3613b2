// expect: select leads user-key unfenced → fenced
// expect: select campaigns user-key unfenced → fenced
// becomes: wanted ? supabase.from("leads").select("*").eq("organization_id", organizationId) : Promise.resolve(undefined),
// runs: load(own, true)
import { supabase } from "@/client";

export const load = (organizationId: string, wanted: boolean) =>
  Promise.allSettled([
    wanted ? supabase.from("leads").select("*") : Promise.resolve(undefined),
    supabase.from("campaigns").select("*"),
  ]);
