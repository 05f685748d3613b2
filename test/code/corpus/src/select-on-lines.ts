// expect: select leads user-key unfenced → fenced
// becomes: .eq('organization_id', organizationId)
// runs: load(own)
import { supabase } from '@/client';

export async function load(organizationId: string) {
  const { data } = await supabase
    .from('leads')
    .select('*')
    .eq('status', 'new')
    .order('created_at');
  return data;
}
