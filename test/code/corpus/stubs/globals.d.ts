declare namespace Deno {
  const env: { get(name: string): string | undefined };
  function serve(handler: (request: Request) => Response | Promise<Response>): void;
}
interface ImportMeta {
  readonly env: Record<string, string>;
}
declare namespace JSX {
  interface IntrinsicElements {
    [name: string]: object;
  }
  type Element = object;
}
