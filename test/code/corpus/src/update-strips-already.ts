// expect: update leads user-key (object with a spread) fenced → unchanged
import { supabase } from "@/client";

export const change = (own: string, sent: object) =>
  supabase.from("leads").update({ ...sent, organization_id: undefined }).eq("organization_id", own);
