import type { Attributes } from '@opentelemetry/api';
import type { NetworkEvent, NetworkSpan } from '../model/event.ts';
import type { ObservedResource } from '../model/resource.ts';

/** An object with its times, names and ids. */
const ITEM_BYTES = 400;
const LINK_BYTES = 150;
/** With a name of `NAME_BYTES`, and a number. */
const ATTRIBUTE_BYTES = 40;
const NAME_BYTES = 32;

const resourceBytes = new WeakMap<ObservedResource, number>();

/**
 * Bytes of memory that an item keeps, its resource included: that is there once for many items, but a queue may be
 * all that still holds it. In a request it takes no more than that.
 */
export function sizeOfEvent({ attributes, resource }: NetworkEvent): number {
  return ITEM_BYTES + sizeOfAttributes(attributes) + sizeOfResource(resource);
}

/** As `sizeOfEvent`. */
export function sizeOfSpan({ attributes, links, resource }: NetworkSpan): number {
  return ITEM_BYTES + LINK_BYTES * links.length + sizeOfAttributes(attributes) + sizeOfResource(resource);
}

function sizeOfResource(resource: ObservedResource): number {
  let bytes = resourceBytes.get(resource);
  if (bytes === undefined) {
    bytes = sizeOfAttributes(resource.attributes);
    resourceBytes.set(resource, bytes);
  }
  return bytes;
}

function sizeOfAttributes(attributes: Attributes): number {
  let bytes = 0;
  for (const name in attributes) {
    const value = attributes[name];
    bytes += ATTRIBUTE_BYTES + Math.max(0, name.length - NAME_BYTES);
    if (typeof value === 'string') bytes += Buffer.byteLength(value);
    else if (Array.isArray(value)) for (const part of value) bytes += 8 + Buffer.byteLength(String(part));
  }
  return bytes;
}
