// expect: select leads user-key unfenced → fenced
// expect: select campaigns user-key annotated → unchanged
import { supabase } from "@/client";

export const load = (organizationId: string) =>
  supabase.from("leads").select("id").then(async () => {
    // tenantry: all-organizations because the landing page counts them
    return supabase.from("campaigns").select("*");
  });
