export function useEffect(effect: () => void | (() => void), dependencies?: readonly unknown[]): void;
export function useCallback<Callback>(callback: Callback, dependencies: readonly unknown[]): Callback;
export function useMemo<Value>(make: () => Value, dependencies: readonly unknown[]): Value;
export function useState<Value>(first: Value): [Value, (next: Value) => void];
export class Component<Props = object> {
  props: Props;
}
