// expect: subscription leads fenced → unchanged
import { supabase } from "@/client";

export const listen = (own: string) =>
  supabase
    .channel("leads")
    .on("postgres_changes", { event: "*", table: "leads", filter: `organization_id=eq.${own}` }, () => {});
