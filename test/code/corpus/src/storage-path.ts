// expect: storage recordings user-key unfenced → left shared-path
import { supabase } from "@/client";

export const save = (organizationId: string, name: string) =>
  supabase.storage.from("recordings").upload(`calls/${name}`, organizationId);
