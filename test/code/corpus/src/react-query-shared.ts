// expect: react-query no organization → unchanged
// expect: select area_codes user-key no organization → unchanged
import { useQuery } from "@tanstack/react-query";
import { supabase } from "@/client";

export const useCodes = () =>
  useQuery({ queryKey: ["codes"], queryFn: async () => supabase.from("area_codes").select("*") });
