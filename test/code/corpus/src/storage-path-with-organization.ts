// expect: storage recordings user-key fenced → unchanged
import { supabase } from "@/client";

export const save = (organizationId: string, name: string) =>
  supabase.storage.from("recordings").upload(`${organizationId}/${name}`, name);
