// expect: upsert leads user-key (object) fenced → left conflict-columns
import { supabase } from "@/client";

export const put = (own: string, columns: string) =>
  supabase.from("leads").upsert({ id: 1, organization_id: own }, { onConflict: columns });
