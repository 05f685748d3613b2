// expect: insert leads user-key (object with a spread) unfenced → left insert-without-organization
import { supabase } from "@/client";

export const add = (organizationId: string, lead: object) =>
  supabase.from("leads").insert({ organization_id: null, ...lead, phone: organizationId });
