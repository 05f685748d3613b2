import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { supabase } from "@/integrations/supabase/client";

export type NewLead = { name: string; phone: string };

/** The newest leads. */
export function useLeads() {
  return useQuery({
    queryKey: ["leads"],
    queryFn: async () => {
      const { data, error } = await supabase
        .from("leads")
        .select("id, name, phone, status")
        .order("created_at", { ascending: false })
        .limit(25);
      if (error) throw error;
      return data;
    },
  });
}

/** Uploads a list of leads. */
export function useUploadLeads(userId: string) {
  const queryClient = useQueryClient();
  return useMutation({
    mutationFn: async (leads: NewLead[]) => {
      const { error } = await supabase
        .from("leads")
        .insert(leads.map((lead) => ({ ...lead, user_id: userId })));
      if (error) throw error;
    },
    onSuccess: () => queryClient.invalidateQueries({ queryKey: ["leads"] }),
  });
}

/** The name of the lead that was added last. */
export function useNewestLead(): string | undefined {
  const queryClient = useQueryClient();
  const [newest, setNewest] = useState<string>();
  useEffect(() => {
    const channel = supabase
      .channel("leads")
      .on(
        "postgres_changes",
        { event: "INSERT", schema: "public", table: "leads" },
        ({ new: lead }) => {
          setNewest(String(lead.name));
          queryClient.invalidateQueries({ queryKey: ["leads"] });
        },
      )
      .subscribe();
    return () => {
      supabase.removeChannel(channel);
    };
  }, [queryClient]);
  return newest;
}
