// expect: select schema_migrations user-key no organization → unchanged
import { supabase } from "@/client";

export const versions = () => supabase.from("schema_migrations").select("*");
