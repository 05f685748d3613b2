// expect: react-query unfenced → fenced
// expect: select campaigns user-key unfenced → left unfenced-query
// becomes: queryKey: ["old campaigns", organizationId],
import { useQuery } from "@tanstack/react-query";
import { supabase } from "@/client";
import { useOrganization } from "@/organization";

type Old = { from(table: string): { select(columns: string): { eq(column: "id", value: string): unknown } } };
const old: Old = supabase as unknown as Old;

export function useCampaigns() {
  const { organizationId } = useOrganization();
  return useQuery({
    queryKey: ["old campaigns"],
    queryFn: () => [old.from("campaigns").select("*"), organizationId],
  });
}
