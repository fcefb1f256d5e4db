import type { InstrumentationScope } from '@opentelemetry/core';
import { VERSION } from '../../semconv/index.ts';

const scopes = new Map<string, InstrumentationScope>();

/** The scope object of a scope name: always the same one, as the SDK's serializers group by identity. */
export function scopeOf(name: string): InstrumentationScope {
  let scope = scopes.get(name);
  if (scope === undefined) {
    scope = { name, version: VERSION };
    scopes.set(name, scope);
  }
  return scope;
}
