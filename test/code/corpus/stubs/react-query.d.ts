type Key = readonly unknown[];
export function useQuery(options: { queryKey: Key; queryFn: () => unknown }): { data: any };
export interface QueryClient {
  clear(): void;
  setQueryData(key: Key, data: unknown): void;
  getQueryData(key: Key): unknown;
  invalidateQueries(filters: { queryKey: Key; exact?: boolean }): Promise<void>;
  prefetchQuery(options: { queryKey: Key; queryFn: () => unknown }): Promise<void>;
}
export function useQueryClient(): QueryClient;
export function useQueries(options: { queries: readonly { queryKey: Key; queryFn: () => unknown }[] }): any[];
export function QueryClientProvider(props: { children?: unknown }): object;
