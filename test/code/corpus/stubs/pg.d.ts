export class Pool {
  constructor(options?: object);
  query(text: string | { text: string; values?: unknown[] }, values?: unknown[]): Promise<{ rows: any[] }>;
}
export class PoolClient {
  query(text: string | { text: string; values?: unknown[] }, values?: unknown[]): Promise<{ rows: any[] }>;
  release(): void;
}
