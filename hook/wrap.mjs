/** Names of methods, by prototype, that the hook has put its own around. */
const wrapped = new WeakMap();

/**
 * Puts `enter` before a method of a prototype, and what `enter` returns after it, with the method's result. The method is called once, and
 * answers or throws as ever, whatever `enter` does; `enter` may put other arguments into the array that it is given.
 *
 * A method that an instrumentation has wrapped is left alone: it would take ours for the library's, and wrap that once more.
 */
export function wrapMethod(prototype, name, enter) {
  const descriptor = prototype && Object.getOwnPropertyDescriptor(prototype, name);
  const method = descriptor?.value;
  const names = wrapped.get(prototype) ?? new Set();
  if (typeof method !== 'function' || !descriptor.configurable || method.__wrapped || names.has(name)) return;
  const own = function (...args) {
    const leave = attempt(() => enter(this, args));
    let result;
    try {
      result = method.apply(this, args);
      return result;
    } finally {
      attempt(() => leave?.(result));
    }
  };
  for (const property of ['name', 'length'])
    Object.defineProperty(own, property, Object.getOwnPropertyDescriptor(method, property));
  wrapped.set(prototype, names.add(name));
  Object.defineProperty(prototype, name, { ...descriptor, value: own });
}

/** Undefined when it throws: network events are not worth a request. */
export function attempt(call) {
  try {
    return call();
  } catch {
    return undefined;
  }
}
