export declare function query(text: string, values: unknown[]): Promise<any[]>;
