type Values = object;
type Scalar = string | number | boolean;

export interface Answer<Row = any> {
  data: Row;
  error: { message: string } | null;
  count: number | null;
}

export interface Filtered extends PromiseLike<Answer> {
  eq(column: string, value: Scalar): this;
  neq(column: string, value: Scalar): this;
  gt(column: string, value: Scalar): this;
  in(column: string, values: readonly Scalar[]): this;
  is(column: string, value: null | boolean): this;
  match(values: Record<string, Scalar>): this;
  filter(column: string, operator: string, value: unknown): this;
  or(filters: string): this;
  order(column: string, options?: object): this;
  limit(count: number): this;
  single(): PromiseLike<Answer>;
  maybeSingle(): PromiseLike<Answer>;
  select(columns?: string): Filtered;
}

export interface Table {
  select(columns?: string, options?: object): Filtered;
  insert(values: Values | readonly Values[], options?: object): Filtered;
  upsert(
    values: Values | readonly Values[],
    options?: { onConflict?: string; ignoreDuplicates?: boolean },
  ): Filtered;
  update(values: Values): Filtered;
  delete(): Filtered;
}

export interface Bucket {
  upload(path: string, body: unknown): Promise<Answer>;
  download(path: string): Promise<Answer>;
  remove(paths: string[]): Promise<Answer>;
  getPublicUrl(path: string): { data: { publicUrl: string } };
}

export interface Channel {
  on(event: "postgres_changes", options: object, callback: (change: any) => void): Channel;
  subscribe(): Channel;
}

export interface SupabaseClient {
  from(table: string): Table;
  schema(name: string): SupabaseClient;
  rpc(name: string, values?: object): Filtered;
  channel(name: string): Channel;
  functions: { invoke(name: string, options?: object): Promise<Answer> };
  storage: { from(bucket: string): Bucket };
  auth: {
    onAuthStateChange(
      listener: (event: string, session: { user: { id: string } } | null) => void,
    ): { data: { subscription: { unsubscribe(): void } } };
    getUser(token?: string): Promise<{
      data: { user: { id: string } | null };
      error: { message: string } | null;
    }>;
  };
}

export function createClient(url: string, key: string, options?: object): SupabaseClient;
