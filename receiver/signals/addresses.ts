import type { Attributes } from '@opentelemetry/api';
import { readAddress } from '../decode/bytes.ts';
import { SERIES_KEY_LENGTH } from '../decode/generated/layout.ts';
import type { SumsContext } from './context.ts';

/** Any address of a key has the same room. */
const ADDRESS_BYTES = SERIES_KEY_LENGTH.peer;

/** The address in a key; undefined when it is zero: nobody asked for it. `family`: 4 or 6. */
export function addressAt(view: DataView, at: number, family: number): string | undefined {
  for (let i = 0; i < ADDRESS_BYTES; i += 1)
    if (view.getUint8(at + i) !== 0) return readAddress(view, at, family);
  return undefined;
}

/** Addresses by attribute, as `addresses` lets them leave. */
export function addressAttributes(
  { mask }: Pick<SumsContext, 'mask'>,
  given: Readonly<Record<string, string | undefined>>,
): Attributes {
  const attributes: Attributes = {};
  for (const [name, address] of Object.entries(given)) {
    const masked = address === undefined ? undefined : mask(address);
    if (masked !== undefined) attributes[name] = masked;
  }
  return attributes;
}
