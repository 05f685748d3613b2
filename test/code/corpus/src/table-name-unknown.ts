// expect: select ? (table) user-key unresolved → left unresolved-table
import { supabase } from "@/client";

export const load = (table: string, organizationId: string) =>
  supabase.from(table).select(organizationId);
