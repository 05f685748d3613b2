// expect: react-query unfenced → fenced
// becomes: void client.invalidateQueries({ queryKey: ["exact lead", id, organizationId], exact: true });
import type { QueryClient } from "@tanstack/react-query";

export function forget(client: QueryClient, organizationId: string, id: string) {
  void client.invalidateQueries({ queryKey: ["exact lead", id], exact: true });
}
