// expect: select leads user-key unfenced → fenced
// becomes: const { organizationId } = useOrganization();
// becomes: import { useOrganization } from "@/organization";
// becomes: const { data } = await supabase.from("leads").select("*").eq("organization_id", organizationId);
// becomes: }, [setLeads, organizationId]);
import { useEffect, useState } from "react";
import { supabase } from "@/client";

export function Leads() {
  const [leads, setLeads] = useState<unknown[]>([]);
  useEffect(() => {
    const load = async () => {
      const { data } = await supabase.from("leads").select("*");
      setLeads(data);
    };
    void load();
  }, [setLeads]);
  return <p>{leads.length}</p>;
}
