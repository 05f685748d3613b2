// expect: select ? (table) user-key unresolved → left unresolved-table
// expect: select campaigns or leads user-key unfenced → fenced
// expect: select leads user-key unfenced → fenced
// expect: none ? (table) user-key unresolved → left unresolved-table
// expect: select area_codes user-key no organization → unchanged
import { supabase } from "@/client";
import { useCallback, useEffect } from "react";

const countRows = (table: string) => supabase.from(table).select("*");

export const plans = () => countRows("area_codes");
export const others = () => Promise.all(["leads", "call_logs"].map(countRows));

function load(table: string, organizationId: string) {
  return supabase.from(table).select("*");
}
const forLeads = (work: typeof load, own: string) => work("leads", own);

export const known = (own: string) => [forLeads(load, own), load("campaigns", own)];

export function useLeads(organizationId: string) {
  const read = useCallback(async (table: string) => supabase.from(table).select("*"), []);
  useEffect(() => void read("leads"), [read]);
}

const table = (name: string) => supabase.from(name);

export const codes = () => table("area_codes").select("*");
export const tables = () => ["leads"].map(table);
