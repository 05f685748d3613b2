// expect: react-query unfenced → fenced
// expect: select leads user-key unfenced → fenced
// becomes: queryKey: ["leads", status, organizationId],
// becomes: queryFn: async () => supabase.from("leads").select("*").eq("organization_id", organizationId).eq("status", status),
import { useQuery } from "@tanstack/react-query";
import { supabase } from "@/client";
import { useOrganization } from "@/organization";

export function useLeads(status: string) {
  const { organizationId } = useOrganization();
  return useQuery({
    queryKey: ["leads", status],
    queryFn: async () => supabase.from("leads").select("*").eq("status", status),
  });
}
