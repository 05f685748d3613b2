// expect: storage recordings user-key unfenced → left shared-path
// expect: storage recordings user-key not judged → unchanged
import { supabase } from "@/client";

const bucket = supabase.storage.from("recordings");
const { storage } = supabase;

export const remove = (id: string) => bucket.remove([id]);
export const link = (id: string) => storage.from("recordings").getPublicUrl(id);
