// expect: subscription ? unresolved → left unfenced-subscription
import { supabase } from "@/client";

export const listen = () => supabase.channel("all").on("postgres_changes", { event: "*", schema: "public" }, () => {});
