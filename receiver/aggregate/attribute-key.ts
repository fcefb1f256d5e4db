import type { Attributes } from '@opentelemetry/api';

/** The attribute set of the series that takes what finds no room (metrics SDK specification). */
export const OVERFLOW_ATTRIBUTES: Attributes = Object.freeze({ 'otel.metric.overflow': true });

/**
 * A string that two attribute sets share exactly when they are the same set: the order
 * of keys does not matter, the type of a value does, keys without a value do not count.
 */
export function attributeKey(attributes: Attributes): string {
  let key = '';
  let previous = '';
  for (const name in attributes) {
    if (name < previous) return sortedKey(attributes);
    previous = name;
    key += entryKey(name, attributes[name]);
  }
  return key;
}

function sortedKey(attributes: Attributes): string {
  let key = '';
  for (const name of Object.keys(attributes).sort()) key += entryKey(name, attributes[name]);
  return key;
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
