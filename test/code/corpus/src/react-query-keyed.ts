// expect: react-query fenced → unchanged
import { useQuery } from "@tanstack/react-query";

export const useThings = (organizationId: string) =>
  useQuery({ queryKey: ["things", organizationId], queryFn: () => organizationId });
