// expect: select leads user-key unfenced → fenced
// expect: localStorage unfenced → fenced
// expect: localStorage unfenced → left shared-cache
// becomes: localStorage.setItem(`recent:${organizationId}`, JSON.stringify(data));
import { supabase } from "@/client";

export async function keep(organizationId: string, text: string) {
  const { data } = await supabase.from("leads").select("*");
  localStorage.setItem("recent", JSON.stringify(data));
  localStorage.setItem("notes", text + organizationId);
}
