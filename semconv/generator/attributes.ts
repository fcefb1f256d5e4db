import type { AttributeLevel, AttributeUse } from '../types.ts';
import { STABILITIES } from './model.ts';
import type { Attribute } from './model.ts';
import { documented, wirespanNotes } from './documented.ts';
import type { Item, Source } from './read.ts';
import { asFields, asList, asString, checkShape, oneOf, RegistryError } from './shape.ts';
import type { Fields } from './shape.ts';

const TYPES = ['string', 'int', 'double', 'boolean', 'string[]', 'int[]', 'double[]'] as const;
const LEVELS = ['required', 'recommended', 'opt_in'] as const;

/** Indexes the attributes of several sources by key. Throws RegistryError on a key defined twice. */
export function indexAttributes(sources: readonly Source[]): Map<string, Attribute> {
  const index = new Map<string, Attribute>();
  for (const item of sources.flatMap((source) => source.attributes)) {
    const key = asString(item.fields['key'], item.where);
    if (index.has(key)) throw new RegistryError(`${item.where}: the attribute is defined twice`);
    index.set(key, resolveAttribute(item, key));
  }
  return new Map([...index].sort(([a], [b]) => (a < b ? -1 : 1)));
}

function resolveAttribute(item: Item, key: string): Attribute {
  const { where, fields } = item;
  const type = fields['type'];
  const open = wirespanNotes(fields, where)['open'] === true;
  const common = documented(item);
  if (typeof type === 'string') {
    return { ...common, descriptor: { key, type: oneOf(type, TYPES, `${where}: type`), open } };
  }
  const members = asList(asFields(type, `${where}: type`)['members'], `${where}: members`);
  const values = members.map((member) => {
    const { id, value } = checkShape(member, 'member', `${where}: members`);
    return asString(value ?? id, `${where}: members`);
  });
  if (new Set(values).size !== values.length)
    throw new RegistryError(`${where}: an enum value appears twice`);
  return { ...common, descriptor: { key, type: 'string', values, open } };
}

/** Follows the `attributes` list of a signal; `index` and `groups` are what may be referred to. */
export class UseResolver {
  readonly #index: ReadonlyMap<string, Attribute>;
  readonly #groups: ReadonlyMap<string, Item>;

  constructor(index: ReadonlyMap<string, Attribute>, groups: readonly Item[]) {
    this.#index = index;
    this.#groups = new Map(groups.map((group) => [asString(group.fields['id'], group.where), group]));
  }

  /** The attributes of a signal sorted by key. Throws RegistryError on unknown, deprecated or doubled refs. */
  resolve({ where, fields }: Item): readonly AttributeUse[] {
    return [...this.#expand(where, fields, []).values()].sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  #expand(where: string, fields: Fields, path: readonly string[]): Map<string, AttributeUse> {
    const uses = new Map<string, AttributeUse>();
    const entries = asList(fields['attributes'], where).map((entry) => asFields(entry, where));
    for (const entry of entries.filter((candidate) => 'ref_group' in candidate)) {
      for (const use of this.#group(where, entry, path)) {
        if (uses.has(use.key)) throw new RegistryError(`${where}: two groups refer to ${use.key}`);
        uses.set(use.key, use);
      }
    }
    const direct = new Set<string>();
    for (const entry of entries.filter((candidate) => !('ref_group' in candidate))) {
      const use = this.#ref(where, entry);
      if (direct.has(use.key)) throw new RegistryError(`${where}: refers to ${use.key} twice`);
      direct.add(use.key);
      uses.set(use.key, use);
    }
    return uses;
  }

  #group(where: string, entry: Fields, path: readonly string[]): Iterable<AttributeUse> {
    const id = asString(checkShape(entry, 'ref_group', where)['ref_group'], where);
    const group = this.#groups.get(id);
    if (group === undefined) throw new RegistryError(`${where}: there is no attribute group ${id}`);
    if (path.includes(id)) throw new RegistryError(`${where}: the group ${id} contains itself`);
    return this.#expand(where, group.fields, [...path, id]).values();
  }

  #ref(where: string, entry: Fields): AttributeUse {
    const fields = checkShape(entry, 'ref', where);
    const key = asString(fields['ref'], where);
    const attribute = this.#index.get(key);
    if (attribute === undefined) throw new RegistryError(`${where}: there is no attribute ${key}`);
    if (attribute.deprecated) throw new RegistryError(`${where}: the attribute ${key} is deprecated`);
    if (fields['stability'] !== undefined) oneOf(fields['stability'], STABILITIES, `${where}: ${key}`);
    return { key, ...level(fields['requirement_level'], `${where}: ${key}`) };
  }
}

function level(value: unknown, where: string): { level: AttributeLevel; condition?: string } {
  if (value === undefined) return { level: 'recommended' };
  if (typeof value === 'string') return { level: oneOf(value, LEVELS, where) };
  const entries = Object.entries(asFields(value, where));
  const [name, text] = entries[0] ?? [];
  if (entries.length !== 1) throw new RegistryError(`${where}: give one requirement level`);
  const found = oneOf(name, [...LEVELS, 'conditionally_required'] as const, where);
  const condition = asString(text, where);
  return found === 'conditionally_required' ? { level: found, condition } : { level: found };
}
