// expect: subscription leads fenced → unchanged
import { useEffect } from "react";
import { supabase } from "@/client";

export function useLive(organizationId: string) {
  const filter = `organization_id=eq.${organizationId}`;
  useEffect(() => {
    supabase.channel("leads").on("postgres_changes", { event: "*", table: "leads", filter }, () => {}).subscribe();
  }, [filter]);
}
