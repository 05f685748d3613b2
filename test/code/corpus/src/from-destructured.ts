// expect: none ? (from) user-key unresolved → left unresolved-table
// expect: none ? (supabase.from) user-key unresolved → left unresolved-table
// expect: none leads user-key unresolved → left unresolved-table
import { supabase } from "@/client";

const { from } = supabase;
export const first = from.call(supabase, "leads");
export const table = supabase.from.bind(supabase);
export const insert = supabase.from("leads").insert;
