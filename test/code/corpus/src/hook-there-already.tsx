// expect: select leads user-key unfenced → fenced
// becomes: const load = useCallback(async () => supabase.from("leads").select("*").eq("organization_id", organizationId), [organizationId]);
import { useCallback } from "react";
import { supabase } from "@/client";
import { useOrganization } from "@/organization";

export function useLeads() {
  const { organizationId } = useOrganization();
  const load = useCallback(async () => supabase.from("leads").select("*"), []);
  return load;
}
