// expect: react-query unfenced → left shared-cache
import { useQuery } from "@tanstack/react-query";
import { useOrganization } from "@/organization";

const keys = { list: () => ["made elsewhere"] as const };

export function useThings() {
  const { organizationId } = useOrganization();
  return useQuery({ queryKey: keys.list(), queryFn: () => organizationId });
}
