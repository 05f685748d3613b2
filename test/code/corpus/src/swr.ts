// expect: swr unfenced → left shared-cache
import { useSWR } from "swr";

export const useLeads = (organizationId: string) => [useSWR(["leads"], () => []), organizationId];
