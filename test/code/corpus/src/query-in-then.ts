// expect: select leads user-key unfenced → fenced
// expect: select call_logs user-key unfenced → fenced
// becomes: supabase.from("leads").select("id").eq("organization_id", organizationId).then(({ data }) =>
// becomes: supabase.from("call_logs").select("*").eq("organization_id", organizationId).in("lead_id", data),
import { supabase } from "@/client";

export const load = (organizationId: string) =>
  supabase.from("leads").select("id").then(({ data }) =>
    supabase.from("call_logs").select("*").in("lead_id", data),
  );
