// expect: react-query unfenced → left shared-cache
// expect: react-query unfenced → left shared-cache
import type { QueryClient } from "@tanstack/react-query";

export function set(client: QueryClient, organizationId: string) {
  client.setQueryData(["read elsewhere"], organizationId);
}

export const get = (client: QueryClient) => client.getQueryData(["read elsewhere"]);
