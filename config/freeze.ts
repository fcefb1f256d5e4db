function refuseChange(): never {
  throw new TypeError('the configuration cannot change');
}

function withoutMethods<T extends object>(target: T, names: readonly string[]): T {
  for (const name of names) Object.defineProperty(target, name, { value: refuseChange });
  return Object.freeze(target);
}

/** A map that no caller can change, by type or by force. */
export function frozenMap<K, V>(entries: Iterable<readonly [K, V]>): ReadonlyMap<K, V> {
  return withoutMethods(new Map(entries), ['set', 'delete', 'clear']);
}

/** A set that no caller can change, by type or by force. */
export function frozenSet<T>(items: Iterable<T>): ReadonlySet<T> {
  return withoutMethods(new Set(items), ['add', 'delete', 'clear']);
}

/** Freezes plain objects and arrays all the way down. */
export function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  for (const item of Object.values(value)) deepFreeze(item);
  return Object.freeze(value);
}
