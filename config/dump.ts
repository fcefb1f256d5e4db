import { originOf } from '../text/index.ts';
import { readCheckedSettings } from './load.ts';
import { SCHEMA } from './schema.ts';
import type { ConfigSources } from './settings.ts';
import { yaml } from './yaml-library.ts';

const MASK = '[hidden]';

/** Told beside an endpoint that has more than an origin. */
const REST_HIDDEN = 'the rest is not shown';

function shown(key: string, value: unknown): unknown {
  const setting = SCHEMA.get(key);
  if (setting?.format.takesMap === true && Array.isArray(value)) {
    const pairs = value as [string, string][];
    return Object.fromEntries(pairs.map(([name, item]) => [name, setting.sensitive === true ? MASK : item]));
  }
  if (setting?.sensitive === true) return MASK;
  return setting?.isEndpoint === true ? (originOf(String(value)) ?? MASK) : value;
}

function commentOf(key: string, value: unknown, origin: string | undefined): string {
  const isCut = SCHEMA.get(key)?.isEndpoint === true && originOf(String(value)) !== value;
  return [origin, isCut ? REST_HIDDEN : undefined].filter((part) => part !== undefined).join('; ');
}

/**
 * The effective settings as a YAML file that could be loaded again: secrets are masked, of an endpoint
 * the origin is shown, and a comment says where each value that is no default came from.
 * @throws ConfigError
 */
export function dumpConfig(sources: ConfigSources): string {
  const { values, origins } = readCheckedSettings(sources);
  const { Document, isScalar } = yaml();
  const document = new Document({});
  for (const [key, value] of values) {
    if (value === undefined) continue;
    const path = key.split('.');
    document.setIn(path, document.createNode(shown(key, value)));
    const node = document.getIn(path, true);
    const comment = commentOf(key, value, origins.get(key));
    if (isScalar(node) && comment !== '') node.comment = ` ${comment}`;
  }
  return document.toString({ lineWidth: 0 });
}
