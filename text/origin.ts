/**
 * What may be shown of an endpoint: scheme, host and port. User, password, path, query and fragment can
 * all hold a key. `undefined` when the text is no URL: then nothing of it may be shown.
 */
export function originOf(endpoint: string): string | undefined {
  const given = endpoint.trim();
  const hasScheme = given.includes('://');
  const url = hasScheme ? given : `http://${given}`;
  if (!URL.canParse(url)) return undefined;
  const { protocol, host, port } = new URL(url);
  if (host === '' || !/^https?:$/.test(protocol)) return undefined;
  if (hasScheme) return `${protocol}//${host}`;
  // Port 80 is left out as that of http, which nobody gave.
  return port === '' && /^[^/\\?#]*:0*80$/.test(given) ? `${host}:80` : host;
}
