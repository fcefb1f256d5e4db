import { ATTR_K8S_POD_UID, ATTR_SERVICE_INSTANCE_ID, ATTR_SERVICE_NAME } from '../../semconv/index.ts';
import type { OtelEnvironment } from '../host/otel-environment.ts';
import { readResourceList, readServiceName, type SdkLanguage } from './resource-list.ts';

/** What a process says of itself, as far as it is its own to say. */
export interface Declared {
  readonly attributes: ReadonlyMap<string, string>;
  /** The list had an error: the member, or all of it, was left out. */
  readonly isInvalid: boolean;
  /** Something was left out, or a value shortened: it was too long. */
  readonly isCut: boolean;
}

/** Bytes of UTF-8; with what is observed beside it, a resource stays below 4 KiB. */
const MAX_KEY_BYTES = 128;
const MAX_VALUE_BYTES = 1_024;
const MAX_DECLARED_BYTES = 3_000;
const maxAttributes = 64;

/** What wirespan sees itself nobody can declare, also where it did not see it. */
const observedNamespaces = ['host.', 'os.', 'container.', 'process.', 'telemetry.', 'wirespan.'];
const observedKeys: ReadonlySet<string> = new Set([ATTR_K8S_POD_UID]);

/** An empty one says nothing: what is observed stands in for it. */
const neverEmpty: ReadonlySet<string> = new Set([ATTR_SERVICE_NAME, ATTR_SERVICE_INSTANCE_ID]);

function isObservedKey(key: string): boolean {
  return observedKeys.has(key) || observedNamespaces.some((namespace) => key.startsWith(namespace));
}

/**
 * What the SDK of the process's language makes of `OTEL_RESOURCE_ATTRIBUTES` (`key=value,…`, percent-encoded), with
 * `OTEL_SERVICE_NAME` on top.
 */
export function readDeclared(environment: OtelEnvironment, language: SdkLanguage = 'other'): Declared {
  const listed = readResourceList(environment.resourceAttributes ?? '', language);
  const all = new Map(listed.attributes);
  const serviceName = readServiceName(environment.serviceName ?? '', language);
  if (serviceName !== undefined) all.set(ATTR_SERVICE_NAME, serviceName);
  const { attributes, isCut } = bounded(all);
  return { attributes, isInvalid: listed.isInvalid, isCut: isCut || environment.isCut === true };
}

/** What a process publishes in its memory is its own to say as much. */
export function readPublished(context: ReadonlyMap<string, string>): Omit<Declared, 'isInvalid'> {
  return bounded(context);
}

/** What the environment says goes first, also for the room. */
export function withPublished(
  declared: ReadonlyMap<string, string>,
  published: ReadonlyMap<string, string> = new Map(),
): ReadonlyMap<string, string> {
  if (published.size === 0) return declared;
  const added = [...published].filter(([key]) => !declared.has(key));
  return bounded(new Map([...declared, ...added])).attributes;
}

/** The service's name alone: of a process for whose attributes there is no room. */
export function nameOnly(attributes: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const name = attributes.get(ATTR_SERVICE_NAME);
  return new Map(name === undefined ? [] : [[ATTR_SERVICE_NAME, shortened(name, MAX_KEY_BYTES)]]);
}

/** The service's name first, then the others in their order as long as there is room. */
function bounded(all: ReadonlyMap<string, string>): { attributes: Map<string, string>; isCut: boolean } {
  const attributes = new Map<string, string>();
  let room = MAX_DECLARED_BYTES;
  let isCut = false;
  const names = [...all.keys()].filter((key) => !isObservedKey(key));
  for (const key of [ATTR_SERVICE_NAME, ...names.filter((name) => name !== ATTR_SERVICE_NAME)]) {
    const whole = all.get(key);
    if (whole === undefined || (whole === '' && neverEmpty.has(key))) continue;
    const value = shortened(whole, MAX_VALUE_BYTES);
    const keyBytes = Buffer.byteLength(key);
    const bytes = keyBytes + Buffer.byteLength(value);
    if (value !== whole) isCut = true;
    if (keyBytes > MAX_KEY_BYTES || bytes > room || attributes.size >= maxAttributes) {
      isCut = true;
      continue;
    }
    attributes.set(key, value);
    room -= bytes;
  }
  return { attributes, isCut };
}

/** At most so many bytes, and no character in two. */
function shortened(text: string, maxBytes: number): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= maxBytes) return text;
  let end = maxBytes;
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return bytes.toString('utf8', 0, end);
}
