// expect: subscription leads unfenced → fenced
// becomes: .on("postgres_changes", { event: "*", schema: "public", table: "leads", filter: `organization_id=eq.${organizationId}` }, () => refresh())
// becomes: }, [refresh, organizationId]);
import { useEffect } from "react";
import { supabase } from "@/client";
import { useOrganization } from "@/organization";

export function useLeadChanges(refresh: () => void) {
  const { organizationId } = useOrganization();
  useEffect(() => {
    supabase
      .channel("leads")
      .on("postgres_changes", { event: "*", schema: "public", table: "leads" }, () => refresh())
      .subscribe();
  }, [refresh]);
}
