// expect: none leads user-key unresolved → left unresolved-table
import { supabase } from "@/client";

export const tables = [supabase.from("leads")];
