import { createSecretHider, outsideText, secretsOfHeader, secretsOfUrl } from '../../text/index.ts';
import type { SignalTarget } from './options.ts';

/**
 * Makes a text that came from, or is about, a collector fit to be shown. Collectors and proxies repeat what
 * they were sent ("invalid key …"), and libraries name the URL that they could not reach.
 */
export function createSafeText({ endpoint, headers, proxy }: SignalTarget): (text: string) => string {
  const urls = [endpoint, ...(proxy === undefined ? [] : [proxy.url])];
  const secrets = [...urls.flatMap(secretsOfUrl), ...Object.values(headers).flatMap(secretsOfHeader)];
  const hide = createSecretHider(secrets);
  return (text) => outsideText(hide(text));
}
