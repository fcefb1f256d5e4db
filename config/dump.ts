import { Document, isScalar } from 'yaml';
import { readCheckedSettings } from './load.ts';
import { SCHEMA } from './schema.ts';
import type { ConfigSources } from './settings.ts';

const MASK = '[hidden]';

function withoutUserInfo(value: unknown): unknown {
  return typeof value === 'string' ? value.replace(/\/\/[^/@\s]*@/, `//${MASK}@`) : value;
}

function shown(key: string, value: unknown): unknown {
  const setting = SCHEMA.get(key);
  if (setting?.format.takesMap === true && Array.isArray(value)) {
    const pairs = value as [string, string][];
    return Object.fromEntries(pairs.map(([name, item]) => [name, setting.sensitive === true ? MASK : item]));
  }
  return setting?.sensitive === true ? MASK : withoutUserInfo(value);
}

/**
 * The effective settings as a YAML file that could be loaded again: secrets are masked,
 * and a comment says where each value that is no default came from.
 * @throws ConfigError
 */
export function dumpConfig(sources: ConfigSources): string {
  const { values, origins } = readCheckedSettings(sources);
  const document = new Document({});
  for (const [key, value] of values) {
    if (value === undefined) continue;
    const path = key.split('.');
    document.setIn(path, document.createNode(shown(key, value)));
    const node = document.getIn(path, true);
    const origin = origins.get(key);
    if (isScalar(node) && origin !== undefined) node.comment = ` ${origin}`;
  }
  return document.toString({ lineWidth: 0 });
}
