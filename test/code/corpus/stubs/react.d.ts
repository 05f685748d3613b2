export function useEffect(effect: () => void | (() => void), dependencies?: readonly unknown[]): void;
export function useCallback<Callback>(callback: Callback, dependencies: readonly unknown[]): Callback;
export function useMemo<Value>(make: () => Value, dependencies: readonly unknown[]): Value;
export function useState<Value>(first: Value | (() => Value)): [Value, (next: Value) => void];
export function useContext<Value>(context: Context<Value>): Value;
export function useSyncExternalStore<Value>(
  subscribe: (listener: () => void) => () => void,
  getSnapshot: () => Value,
): Value;
export function createContext<Value>(first: Value): Context<Value>;
export interface Context<Value> {
  Provider(props: { value: Value; children?: ReactNode }): object;
}
export type ReactNode = object | string | number | boolean | null | undefined;
export function Fragment(props: { children?: ReactNode }): object;
export class Component<Props = object> {
  props: Props;
}
