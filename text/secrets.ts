const MASK = '[hidden]';
/** Shorter ones would be found in the middle of ordinary words. */
const MIN_CHARS = 4;

/** Paths of OTLP itself: they are words of messages, and no secret. */
const KNOWN_SEGMENTS: ReadonlySet<string> = new Set(['v1', 'traces', 'metrics', 'logs', 'otlp']);

/** Everything of a URL that is no part of its origin, as it is written, decoded, and sent as a header. */
export function secretsOfUrl(url: string): string[] {
  if (!URL.canParse(url)) return [];
  const { username, password, pathname, search, hash, searchParams } = new URL(url);
  const segments = pathname.split('/').filter((segment) => !KNOWN_SEGMENTS.has(segment));
  const [user = '', pass = ''] = [username, password].map((part) => decoded(part).at(-1));
  const basic = username === '' ? '' : Buffer.from(`${user}:${pass}`).toString('base64');
  const written = [username, password, search.slice(1), hash.slice(1), ...segments];
  return [...written.flatMap(decoded), ...searchParams.values(), basic];
}

function decoded(text: string): string[] {
  try {
    return [text, decodeURIComponent(text)];
  } catch {
    return [text];
  }
}

/** What a header's value may be repeated by: whole, without its scheme, and what Basic credentials hold. */
export function secretsOfHeader(value: string): string[] {
  const [, scheme = '', rest = ''] = /^(\S+)\s+(.*)$/s.exec(value) ?? [];
  const basic = scheme.toLowerCase() === 'basic' ? Buffer.from(rest, 'base64').toString().split(':') : [];
  return [value, rest, ...basic];
}

/** Takes known secrets out of texts that come back from those they were given to. */
export function createSecretHider(secrets: readonly string[]): (text: string) => string {
  const found = [...new Set(secrets)].filter((secret) => secret.length >= MIN_CHARS);
  // The longest first: a part of it must not be all that is taken out.
  found.sort((a, b) => b.length - a.length);
  return (text) => found.reduce((rest, secret) => rest.replaceAll(secret, MASK), text);
}
