// expect: select leads user-key unfenced → fenced
// becomes: client?.from("leads").select("*").eq("organization_id", organizationId);
// runs: load(own)
import { supabase } from "@/client";

type Client = typeof supabase | undefined;

export const load = (organizationId: string) => loadBy(supabase, organizationId);
const loadBy = (client: Client, organizationId: string) =>
  client?.from("leads").select("*");
