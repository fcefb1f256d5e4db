import { parseDocument } from 'yaml';
import { YAML_OPTIONS } from '../../config/yaml.ts';
import { SECRET } from './oracles.ts';

/**
 * Where changed settings have the secret: a change may move it to where no secret belongs (a name, a host, a number),
 * and there it may be shown. Texts that cannot be read at all are never shown.
 */

function hostOf(text: string): string | undefined {
  const url = text.includes('://') ? text : `http://${text}`;
  return URL.canParse(url) ? new URL(url).host : undefined;
}

function plain(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** An endpoint: anywhere but in the host. */
export function isInEndpoint(text: string): boolean {
  return hostOf(text.trim())?.includes(SECRET) !== true;
}

/** Headers as `name=value,…`: not in a name. */
export function isInHeaders(text: string): boolean {
  return text.split(',').every((member) => !plain(member.split('=')[0] ?? '').includes(SECRET));
}

/** A text for another setting: as an endpoint's user or password, and nothing beside the endpoint. */
export function isInUser(text: string): boolean {
  if (!URL.canParse(text) || /[\s,;[\]{}]/.test(text)) return false;
  const { username, password, host } = new URL(text);
  return `${username}${password}`.includes(SECRET) && !host.includes(SECRET);
}

/** A file: in a header's value or an endpoint's user, in a comment, or in what is no YAML. */
export function isInFile(yaml: string): boolean {
  const document = parseDocument(yaml, YAML_OPTIONS);
  if (document.errors.length > 0) return true;
  try {
    return isInTree('', document.toJS({ maxAliasCount: YAML_OPTIONS.maxAliasCount }));
  } catch {
    return true;
  }
}

function isInTree(path: string, value: unknown): boolean {
  if (typeof value === 'object' && value !== null)
    return Object.entries(value).every(
      ([key, inner]) => !key.includes(SECRET) && isInTree(path === '' ? key : `${path}.${key}`, inner),
    );
  const text = String(value);
  return !text.includes(SECRET) || path.startsWith('otlp.headers.') || isInUser(text);
}
