import type { Attributes } from '@opentelemetry/api';

/** The attribute set of the series that takes what finds no room (metrics SDK specification). */
export const OVERFLOW_ATTRIBUTES: Attributes = Object.freeze({ 'otel.metric.overflow': true });

/**
 * A string that two attribute sets share exactly when they are the same set: the order
 * of keys does not matter, the type of a value does, keys without a value do not count.
 * Joined, not added up: V8 would keep a key that is stored as the tree of its parts.
 */
export function attributeKey(attributes: Attributes): string {
  const parts: string[] = [];
  let previous = '';
  for (const name in attributes) {
    if (name < previous) return sortedKey(attributes);
    previous = name;
    parts.push(entryKey(name, attributes[name]));
  }
  return parts.join('');
}

function sortedKey(attributes: Attributes): string {
  return Object.keys(attributes)
    .sort()
    .map((name) => entryKey(name, attributes[name]))
    .join('');
}

/** Every part carries its length, so that no value can be mistaken for the next key. */
function entryKey(name: string, value: Attributes[string]): string {
  switch (typeof value) {
    case 'undefined':
      return '';
    case 'string':
      return `${name.length}:${name}s${value.length}:${value}`;
    case 'number':
      return `${name.length}:${name}n${value};`;
    case 'boolean':
      return `${name.length}:${name}${value ? 't' : 'f'}`;
    default: {
      const text = JSON.stringify(value);
      return `${name.length}:${name}a${text.length}:${text}`;
    }
  }
}
