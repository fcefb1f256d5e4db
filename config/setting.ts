import type { Format } from './format.ts';

/** One key: what it means, what it takes, what it is when nobody says. */
export interface Setting {
  /** One sentence for the reference. */
  readonly doc: string;
  readonly format: Format;
  readonly default: unknown;
  /** How the default reads in the reference when the value itself says too little. */
  readonly defaultText?: string;
  /** Environment variable; `WIRESPAN_` + the path in upper snake case. */
  readonly env: string;
  /** Masked in every dump and message. */
  readonly sensitive?: boolean;
  /** An endpoint: of its value a dump shows the origin, and a message nothing. */
  readonly isEndpoint?: boolean;
}

/** A setting before its variable's name is derived from its place. */
export type SettingSource = Omit<Setting, 'env'>;

/** Keys by name; a group nests. */
export interface SettingTree {
  readonly [name: string]: SettingSource | SettingTree;
}

/** All settings by key path, in the order of the reference. */
export type Schema = ReadonlyMap<string, Setting>;

/** Writes a setting down with its types checked against its format. */
export function setting<T>(
  format: Format<T>,
  defaultValue: T | undefined,
  doc: string,
  more: Pick<SettingSource, 'defaultText' | 'sensitive' | 'isEndpoint'> = {},
): SettingSource {
  return { doc, format, default: defaultValue, ...more };
}

/** `bpf.ring_buffer_size` → `WIRESPAN_BPF_RING_BUFFER_SIZE`. */
function variableOf(key: string): string {
  return `WIRESPAN_${key.replaceAll('.', '_').toUpperCase()}`;
}

function isSetting(node: SettingSource | SettingTree): node is SettingSource {
  return typeof node['doc'] === 'string';
}

function* walk(tree: SettingTree, prefix: string): Generator<[string, SettingSource]> {
  for (const [name, node] of Object.entries(tree)) {
    if (isSetting(node)) yield [prefix + name, node];
    else yield* walk(node, `${prefix}${name}.`);
  }
}

/**
 * Lists a tree by key path.
 * @throws Error when two keys share a variable or a key is also a group: a mistake of ours, not of a user.
 */
export function flatten(tree: SettingTree): Schema {
  const schema = new Map<string, Setting>();
  const owners = new Map<string, string>();
  for (const [key, source] of walk(tree, '')) {
    const env = variableOf(key);
    const owner = owners.get(env);
    if (owner !== undefined) throw new Error(`settings ${owner} and ${key} share the variable ${env}`);
    owners.set(env, key);
    schema.set(key, { ...source, env });
  }
  for (const group of groupsOf(schema)) {
    if (schema.has(group)) throw new Error(`setting ${group} is also a group of settings`);
  }
  return schema;
}

/** Every proper prefix of a key: `events`, `events.tcp`, … */
export function groupsOf(schema: Schema): ReadonlySet<string> {
  const groups = new Set<string>();
  for (const key of schema.keys()) {
    for (let at = key.indexOf('.'); at > 0; at = key.indexOf('.', at + 1)) groups.add(key.slice(0, at));
  }
  return groups;
}
