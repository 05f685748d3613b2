// expect: react-query unfenced → left shared-cache
// expect: react-query unfenced → left shared-cache
// expect: react-query unfenced → left shared-cache
// expect: react-query unfenced → left shared-cache
import type { QueryClient } from "@tanstack/react-query";

const key = ["spelt otherwise"];

export function set(client: QueryClient, organizationId: string) {
  client.setQueryData(["spelt otherwise"], organizationId);
}

export const get = (client: QueryClient, organizationId: string) =>
  [client.getQueryData(key), organizationId];

const keys = { list: (page: number) => ["in pages", page] as const };

export const put = (client: QueryClient, organizationId: string) =>
  client.setQueryData(["in pages", 1], organizationId);
export const take = (client: QueryClient, organizationId: string) =>
  [client.getQueryData(keys.list(1)), organizationId];
