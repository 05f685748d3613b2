// expect: insert leads user-key (object) unfenced → left insert-without-organization
import { supabase } from "@/client";

export const add = (organizationId: string) =>
  supabase.from("leads").insert({ phone: organizationId, organization_id: null });
