export class PrismaClient {
  leads: { findMany(options?: object): Promise<any[]> };
  $queryRaw(texts: TemplateStringsArray, ...values: unknown[]): Promise<any[]>;
}
export class Kysely<Tables> {
  constructor(options: object);
  selectFrom(table: keyof Tables): { selectAll(): { execute(): Promise<any[]> } };
}
export default function make(options: unknown): any;
export function sql(texts: TemplateStringsArray, ...values: unknown[]): any;
export function persist<State>(state: State, options: { name: string }): State;
export function useSWR(key: unknown, fetcher: () => unknown): { data: any };
export function cookies(): Promise<{ get(name: string): { value: string } | undefined }>;
