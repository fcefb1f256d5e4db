import { indexAttributes, UseResolver } from './attributes.ts';
import { annotation, documented, wirespanNotes } from './documented.ts';
import { withoutRoot } from './model.ts';
import type { Event, Metric, Registry, Span } from './model.ts';
import type { Item, Source } from './read.ts';
import { asFields, asList, asString, asStrings, oneOf, RegistryError } from './shape.ts';
import type { Fields } from './shape.ts';

const INSTRUMENTS = ['counter', 'updowncounter', 'histogram', 'gauge'] as const;
const VALUE_TYPES = ['int', 'double'] as const;
const SCOPES = ['tcp', 'packet', 'softirq', 'agent'] as const;
const RESOURCES = ['workload', 'host', 'agent'] as const;
const SPAN_MODES = ['always', 'correlated', 'eventful', 'off'] as const;
const EVENT_MODES = ['on', 'correlated', 'off'] as const;
const KERNEL_UNITS = ['ns', 'ppm', 'bytes'] as const;
const DEFAULT_MAX_SERIES = 2000;

/** Follows every reference. Throws RegistryError on the first that leads nowhere and on names defined twice. */
export function resolve(own: Source, upstream: Source): Registry {
  const attributes = indexAttributes([upstream, own]);
  const uses = new UseResolver(attributes, own.groups);
  const entities = new Set(upstream.entities.map(({ fields }) => fields['type']));
  const refined = own.refinements.map((item) => refine(item, upstream));
  for (const item of [...own.metrics, ...own.spans, ...own.events]) checkEntities(item, entities);
  return {
    schemaUrl: own.schemaUrl,
    upstreamSchemaUrl: upstream.schemaUrl,
    attributes,
    metrics: sorted([...own.metrics, ...refined].map((item) => metric(item, uses))),
    spans: sorted(own.spans.map((item) => span(item, uses))),
    events: sorted(own.events.map((item) => event(item, uses))),
  };
}

/** An upstream metric with our annotations; only the attributes that the refinement lists are kept. */
function refine({ where, fields }: Item, upstream: Source): Item {
  const name = asString(fields['ref'], where);
  const base = upstream.metrics.find((candidate) => candidate.fields['name'] === name);
  if (base === undefined) throw new RegistryError(`${where}: there is no upstream metric ${name}`);
  const annotations = {
    ...asFields(base.fields['annotations'] ?? {}, base.where),
    ...asFields(fields['annotations'] ?? {}, where),
  };
  return { where, own: false, fields: { ...base.fields, ...fields, annotations } };
}

function checkEntities({ where, fields }: Item, known: ReadonlySet<unknown>): void {
  for (const entity of asStrings(fields['entity_associations'], `${where}: entity_associations`)) {
    if (!known.has(entity)) throw new RegistryError(`${where}: there is no entity ${entity}`);
  }
}

function metric(item: Item, uses: UseResolver): Metric {
  const { where, fields } = item;
  const notes = wirespanNotes(fields, where);
  const name = asString(fields['name'], where);
  const valueType = annotation(fields, 'code_generation', where)['metric_value_type'];
  const boundaries = asList(notes['explicit_bucket_boundaries'], where).map((bound) =>
    asNumber(bound, where),
  );
  const kernelBounds = notes['kernel_bounds'];
  return {
    ...documented(item),
    expectedSeries: asNumber(notes['expected_series'], `${where}: expected_series`),
    ...(kernelBounds !== undefined && {
      kernelBounds: oneOf(kernelBounds, KERNEL_UNITS, `${where}: kernel_bounds`),
    }),
    descriptor: {
      name,
      instrument: oneOf(fields['instrument'], INSTRUMENTS, `${where}: instrument`),
      unit: asString(fields['unit'], `${where}: unit`),
      description: asString(fields['brief'], `${where}: brief`),
      valueType: oneOf(valueType, VALUE_TYPES, `${where}: metric_value_type`),
      ...place(notes, where),
      defaultOn: isRecommended(fields, where),
      switch: `metrics.${withoutRoot(name)}`,
      ...(boundaries.length > 0 && { boundaries }),
      maxSeries: asNumber(notes['max_series'] ?? DEFAULT_MAX_SERIES, `${where}: max_series`),
      attributes: uses.resolve(item),
      bccTools: asStrings(notes['bcc_tools'], `${where}: bcc_tools`),
    },
  };
}

function span(item: Item, uses: UseResolver): Span {
  const { where, fields } = item;
  const notes = wirespanNotes(fields, where);
  const type = asString(fields['type'], where);
  const modes = asList(notes['modes'], where).map((mode) => oneOf(mode, SPAN_MODES, `${where}: modes`));
  const namedBy = notes['named_by'];
  const defaultMode = oneOf(notes['emit'], modes, `${where}: emit`);
  checkDefault(fields, defaultMode !== 'off', where);
  return {
    ...documented(item),
    kind: asString(fields['kind'], `${where}: kind`),
    status: asString(notes['status'], `${where}: the span needs a status rule`),
    bccTools: asStrings(notes['bcc_tools'], `${where}: bcc_tools`),
    descriptor: {
      type,
      name: asString(notes['name'], `${where}: name`),
      ...(namedBy !== undefined && { namedBy: asString(namedBy, `${where}: named_by`) }),
      defaultMode,
      modes,
      switch: `spans.${withoutRoot(type)}`,
      ...place(notes, where),
      attributes: uses.resolve(item),
    },
  };
}

function event(item: Item, uses: UseResolver): Event {
  const { where, fields } = item;
  const notes = wirespanNotes(fields, where);
  const name = asString(fields['name'], where);
  const onError = notes['severity_number_on_error'];
  const defaultMode = oneOf(notes['emit'], EVENT_MODES, `${where}: emit`);
  checkDefault(fields, defaultMode !== 'off', where);
  return {
    ...documented(item),
    bccTools: asStrings(notes['bcc_tools'], `${where}: bcc_tools`),
    descriptor: {
      name,
      severityNumber: asNumber(notes['severity_number'], `${where}: the event needs a severity_number`),
      ...(onError !== undefined && {
        severityNumberOnError: asNumber(onError, `${where}: severity_number_on_error`),
      }),
      defaultMode,
      switch: `events.${withoutRoot(name)}`,
      ...place(notes, where),
      attributes: uses.resolve(item),
    },
  };
}

function place(notes: Fields, where: string) {
  return {
    scope: oneOf(notes['scope'], SCOPES, `${where}: scope`),
    resource: oneOf(notes['resource'], RESOURCES, `${where}: resource`),
  };
}

function isRecommended(fields: Fields, where: string): boolean {
  const level = fields['requirement_level'] ?? 'recommended';
  return oneOf(level, ['recommended', 'opt_in'], `${where}: requirement_level`) === 'recommended';
}

function checkDefault(fields: Fields, emitted: boolean, where: string): void {
  if (isRecommended(fields, where) !== emitted) {
    throw new RegistryError(`${where}: "emit" is off exactly when the requirement_level is opt_in`);
  }
}

function asNumber(value: unknown, where: string): number {
  if (typeof value !== 'number' || !Number.isFinite(value)) {
    throw new RegistryError(`${where}: expected a number, got ${JSON.stringify(value)}`);
  }
  return value;
}

function sorted<T extends { descriptor: { name: string; type?: string } } & { where: string }>(
  items: T[],
): T[] {
  const key = (item: T): string => item.descriptor.type ?? item.descriptor.name;
  items.sort((a, b) => (key(a) < key(b) ? -1 : 1));
  items.forEach((item, index) => {
    const previous = items[index - 1];
    if (previous !== undefined && key(previous) === key(item)) {
      throw new RegistryError(`${item.where}: the name is defined twice`);
    }
  });
  return items;
}
