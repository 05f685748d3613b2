declare namespace Deno {
  const env: { get(name: string): string | undefined };
  function serve(handler: (request: Request) => Response | Promise<Response>): void;
}
interface ImportMeta {
  readonly env: Record<string, string>;
}
declare namespace JSX {
  interface IntrinsicElements {
    [name: string]: {
      onChange?: (event: { target: { value: string } }) => void;
      [attribute: string]: unknown;
    };
  }
  interface IntrinsicAttributes {
    key?: string;
  }
  interface ElementChildrenAttribute {
    children: unknown;
  }
  type ElementType = string | ((props: any) => unknown) | (new (props: any) => object);
  type Element = object;
}
