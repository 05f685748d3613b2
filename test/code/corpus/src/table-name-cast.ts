// expect: select ? (table as "area_codes") user-key unresolved → left unresolved-table
import { supabase } from "@/client";

export const load = (table: string) => supabase.from(table as "area_codes").select("*");
