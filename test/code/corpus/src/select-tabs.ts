// expect: select leads user-key unfenced → fenced
// becomes: .eq('organization_id', organizationId)
// runs: load(own)
import { supabase } from '@/client';

export async function load(organizationId: string) {
	return supabase
		.from('leads')
		.select('*')
		.limit(10);
}
