// expect: upsert leads user-key (object) fenced → unchanged
import { supabase } from "@/client";

export const put = (own: string) =>
  supabase.from("leads").upsert({ id: 1, organization_id: own }, { onConflict: "id" });
