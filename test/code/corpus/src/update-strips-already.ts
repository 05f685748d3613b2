// expect: update leads user-key (object with a spread) fenced → unchanged
// runs: change(own, { status: "called", organization_id: theirs })
import { supabase } from "@/client";

export const change = (own: string, sent: object) =>
  supabase.from("leads").update({ ...sent, organization_id: undefined }).eq("organization_id", own);
