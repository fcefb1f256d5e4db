/** Whose SDK reads the variables of a process; `other`: as most of them do. */
export type SdkLanguage = 'nodejs' | 'python' | 'java' | 'other';

export interface ResourceList {
  readonly attributes: Map<string, string>;
  /** The list had an error: the member, or all of it, was left out. */
  readonly isInvalid: boolean;
}

/** The SDK for Node takes no more, in UTF-16 units, of a key or a value. */
const maxNodeUnits = 255;
const percent = 37;

/** The language by the name of the executable: interpreters are known by theirs. */
export function languageOf(executable: string): SdkLanguage {
  if (/^node(js)?[\d.]*$/.test(executable)) return 'nodejs';
  if (/^(python|pypy)[\d.]*$/.test(executable)) return 'python';
  return executable === 'java' ? 'java' : 'other';
}

/**
 * `OTEL_RESOURCE_ATTRIBUTES` as the SDK of the language reads it, so that network and application are on one resource:
 * docs/service-names.md has what they do with each kind of error.
 */
export function readResourceList(text: string, language: SdkLanguage): ResourceList {
  const attributes = new Map<string, string>();
  let isInvalid = false;
  for (const member of text.split(',')) {
    if (member.trim() === '') continue;
    const pair = language === 'nodejs' ? strictPair(member) : lenientPair(member);
    if (pair === undefined) {
      if (language === 'nodejs') return { attributes: new Map(), isInvalid: true };
      isInvalid = true;
    } else if (pair[1] !== '' || language !== 'java') attributes.set(...pair);
  }
  return { attributes, isInvalid };
}

/** The service's name of `OTEL_SERVICE_NAME`; undefined: it says nothing. */
export function readServiceName(text: string, language: SdkLanguage): string | undefined {
  const isBlank = text.trim() === '';
  if (language === 'python' || language === 'java') return text === '' ? undefined : text;
  return isBlank ? undefined : text;
}

function strictPair(member: string): [string, string] | undefined {
  const parts = member.split('=').map((part) => part.trim());
  const [key = '', value = ''] = parts;
  if (parts.length !== 2 || key === '') return undefined;
  try {
    const decoded: [string, string] = [decodeURIComponent(key), decodeURIComponent(value)];
    return decoded.every((part) => part.length <= maxNodeUnits)
      ? [copied(decoded[0]), copied(decoded[1])]
      : undefined;
  } catch {
    return undefined;
  }
}

/** A `%` without two digits is one, and bytes that are no UTF-8 are told by a sign. */
function lenientPair(member: string): [string, string] | undefined {
  const equals = member.indexOf('=');
  const key = member.slice(0, Math.max(0, equals)).trim();
  return key === '' ? undefined : [copied(key), lenientText(member.slice(equals + 1).trim())];
}

function lenientText(text: string): string {
  const bytes = Buffer.from(text);
  let length = 0;
  for (let at = 0; at < bytes.length; at += 1) {
    const digits = bytes.toString('latin1', at + 1, at + 3);
    const isEncoded = bytes[at] === percent && /^[\da-fA-F]{2}$/.test(digits);
    bytes[length] = isEncoded ? parseInt(digits, 16) : (bytes[at] ?? 0);
    length += 1;
    if (isEncoded) at += 2;
  }
  return bytes.toString('utf8', 0, length);
}

/** A string of its own: a slice would keep the whole list in memory. */
function copied(text: string): string {
  return Buffer.from(text).toString();
}
