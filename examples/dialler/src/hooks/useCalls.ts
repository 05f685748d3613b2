import { useQuery, useQueryClient } from "@tanstack/react-query";
import { supabase } from "@/integrations/supabase/client";

/** The last calls, with their leads. */
export function useCalls() {
  return useQuery({
    queryKey: ["calls"],
    queryFn: async () => {
      const { data, error } = await supabase
        .from("call_logs")
        .select("id, outcome, leads(name)")
        .order("created_at", { ascending: false })
        .limit(25);
      if (error) throw error;
      return data;
    },
  });
}

/** Reports the result of a call to the edge function that records calls. */
export function useDisposition() {
  const queryClient = useQueryClient();
  return async (leadId: string, disposition: string) => {
    const { error } = await supabase.functions.invoke("disposition-router", {
      body: { lead_id: leadId, disposition },
    });
    if (error) throw error;
    await queryClient.invalidateQueries({ queryKey: ["leads"] });
    await queryClient.invalidateQueries({ queryKey: ["calls"] });
  };
}
