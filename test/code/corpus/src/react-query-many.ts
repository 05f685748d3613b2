// expect: react-query unfenced → fenced
// expect: select leads user-key unfenced → fenced
// becomes: queryKey: ["a lead", id, organizationId],
import { useQueries } from "@tanstack/react-query";
import { supabase } from "@/client";

export function useMany(organizationId: string, ids: string[]) {
  return useQueries({
    queries: ids.map((id) => ({
      queryKey: ["a lead", id],
      queryFn: () => supabase.from("leads").select("*").eq("id", id),
    })),
  });
}
