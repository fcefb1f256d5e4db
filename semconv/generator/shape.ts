/** An error in the registry's files; the message says which file and which item. */
export class RegistryError extends Error {
  override readonly name = 'RegistryError';
}

/** A mapping as YAML gives it. */
export type Fields = Readonly<Record<string, unknown>>;

interface Shape {
  readonly required: readonly string[];
  readonly optional: readonly string[];
}

const SIGNAL = [
  'requirement_level',
  'attributes',
  'entity_associations',
  'note',
  'deprecated',
  'annotations',
];

/** The keys that Weaver's definition/2 syntax allows, per kind of object. */
const SHAPES = {
  file: {
    required: ['file_format'],
    optional: [
      'attributes',
      'attribute_groups',
      'metrics',
      'metric_refinements',
      'spans',
      'events',
      'entities',
    ],
  },
  attribute: {
    required: ['key', 'type', 'brief', 'stability'],
    optional: ['note', 'examples', 'deprecated', 'annotations'],
  },
  member: {
    required: ['id'],
    optional: ['value', 'brief', 'note', 'stability', 'deprecated', 'annotations'],
  },
  attribute_group: { required: ['id', 'visibility'], optional: ['attributes', 'brief', 'stability', 'note'] },
  metric: { required: ['name', 'instrument', 'unit', 'brief', 'stability'], optional: SIGNAL },
  metric_refinement: { required: ['id', 'ref'], optional: ['brief', ...SIGNAL] },
  span: { required: ['type', 'kind', 'name', 'brief', 'stability'], optional: SIGNAL },
  event: { required: ['name', 'brief', 'stability'], optional: SIGNAL },
  entity: {
    required: ['type', 'identity', 'brief', 'stability'],
    optional: ['description', 'requirement_level'],
  },
  ref: {
    required: ['ref'],
    optional: ['requirement_level', 'brief', 'note', 'examples', 'stability', 'deprecated', 'annotations'],
  },
  ref_group: { required: ['ref_group'], optional: [] },
} as const satisfies Record<string, Shape>;

export type ShapeName = keyof typeof SHAPES;

/** Returns `value` as a mapping that has all required keys of `shape` and no unknown ones. Throws RegistryError. */
export function checkShape(value: unknown, shape: ShapeName, where: string): Fields {
  const fields = asFields(value, where);
  const { required, optional }: Shape = SHAPES[shape];
  for (const key of required) {
    if (fields[key] === undefined) throw new RegistryError(`${where}: the ${shape} lacks "${key}"`);
  }
  for (const key of Object.keys(fields)) {
    if (!required.includes(key) && !optional.includes(key)) {
      throw new RegistryError(`${where}: a ${shape} has no "${key}"`);
    }
  }
  return fields;
}

/** `value` as a mapping. Throws RegistryError. */
export function asFields(value: unknown, where: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new RegistryError(`${where}: expected a mapping`);
  }
  return value as Fields;
}

/** `value` as a list, empty when absent. Throws RegistryError. */
export function asList(value: unknown, where: string): readonly unknown[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw new RegistryError(`${where}: expected a list`);
  return value;
}

/** `value` as a list of strings, empty when absent. Throws RegistryError. */
export function asStrings(value: unknown, where: string): readonly string[] {
  return asList(value, where).map((item) => asString(item, where));
}

/** `value` as a string. Throws RegistryError. */
export function asString(value: unknown, where: string): string {
  if (typeof value !== 'string')
    throw new RegistryError(`${where}: expected text, got ${JSON.stringify(value)}`);
  return value;
}

/** `value` as one of `allowed`. Throws RegistryError. */
export function oneOf<T extends string>(value: unknown, allowed: readonly T[], where: string): T {
  const found = allowed.find((item) => item === value);
  if (found === undefined) {
    throw new RegistryError(`${where}: ${JSON.stringify(value)} is none of ${allowed.join(', ')}`);
  }
  return found;
}
