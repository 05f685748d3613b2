// expect: react-query unfenced → fenced
// expect: react-query unfenced → fenced
// becomes: client.setQueryData(["one campaign", id, organizationId], next);
// becomes: return client.getQueryData(["one campaign", id, organizationId]);
// becomes: void client.invalidateQueries({ queryKey: ["one campaign", id] });
import type { QueryClient } from "@tanstack/react-query";

export function remember(client: QueryClient, organizationId: string, id: string, next: unknown) {
  void client.invalidateQueries({ queryKey: ["one campaign", id] });
  client.setQueryData(["one campaign", id], next);
  return client.getQueryData(["one campaign", id]);
}
