// expect: subscription area_codes no organization → unchanged
import { supabase } from "@/client";

export const listen = () => supabase.channel("all").on("postgres_changes", { table: "area_codes" }, () => {});
