// expect: select leads user-key unfenced → fenced
// expect: select campaigns user-key unfenced → fenced
// becomes: const { organizationId } = useOrganization();
import { supabase } from "@/client";
import { useOrganization } from "@/organization";

export const useBoth = () => {
  const leads = () => supabase.from("leads").select("*");
  const campaigns = () => supabase.from("campaigns").select("*");
  return { leads, campaigns };
};

export const organizationName = () => useOrganization().name;
