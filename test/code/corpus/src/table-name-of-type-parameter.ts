// expect: select leads or campaigns user-key unfenced → fenced
// expect: select leads or area_codes user-key unfenced → left unfenced-query
import { supabase } from "@/client";

export const load = <Name extends "leads" | "campaigns">(organizationId: string, name: Name) =>
  supabase.from(name).select(organizationId);
export const some = <Name extends "leads" | "area_codes">(organizationId: string, name: Name) =>
  supabase.from(name).select(organizationId);
