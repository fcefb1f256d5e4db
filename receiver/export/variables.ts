/** An environment, or what is changed in one. */
export type Variables = Readonly<Record<string, string | undefined>>;

/** Calls `work`, for which variables of this process are others; `undefined`: not set. Afterwards they are as before. */
export function withVariables<T>(changed: Variables, work: () => T): T {
  const before = Object.keys(changed).map((name) => [name, process.env[name]] as const);
  set(Object.entries(changed));
  try {
    return work();
  } finally {
    set(before);
  }
}

function set(variables: readonly (readonly [string, string | undefined])[]): void {
  for (const [name, value] of variables) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
}
