import { EVENTS, METRICS, SPANS, type AttributeUse } from '../../semconv/index.ts';

/** An attribute that signals carry only when asked: on metrics it multiplies the number of series. */
export interface OptInAttribute {
  readonly key: string;
  /** Configuration key: `attributes.` and the name, without the root where it is our own. */
  readonly switch: string;
  /** One sentence for the reference. */
  readonly doc: string;
}

interface Carrier {
  readonly name: string;
  readonly kind: string;
  readonly attributes: readonly AttributeUse[];
}

const OWN_ROOT = 'wirespan.';
/** More signals than this are counted, not listed. */
const MOST_NAMES = 3;

const CARRIERS: readonly Carrier[] = [
  ...METRICS.map(({ name, attributes }) => ({ name, kind: 'metrics', attributes })),
  ...EVENTS.map(({ name, attributes }) => ({ name, kind: 'events', attributes })),
  ...SPANS.map(({ type, attributes }) => ({ name: type, kind: 'spans', attributes })),
];

/** Every attribute that the registry makes optional on a signal, by name. */
export const OPT_IN_ATTRIBUTES: readonly OptInAttribute[] = [...carriersByKey()]
  .sort(([a], [b]) => (a < b ? -1 : 1))
  .map(([key, carriers]) => ({
    key,
    switch: `attributes.${key.startsWith(OWN_ROOT) ? key.slice(OWN_ROOT.length) : key}`,
    doc: docOf(key, carriers),
  }));

function carriersByKey(): Map<string, Carrier[]> {
  const byKey = new Map<string, Carrier[]>();
  for (const carrier of CARRIERS) {
    for (const { key, level } of carrier.attributes) {
      if (level === 'opt_in') byKey.set(key, [...(byKey.get(key) ?? []), carrier]);
    }
  }
  return byKey;
}

function docOf(key: string, carriers: readonly Carrier[]): string {
  const kinds = [...new Set(carriers.map(({ kind }) => kind))].join(' and ');
  const where =
    carriers.length <= MOST_NAMES
      ? carriers.map(({ name }) => `\`${name}\``).join(', ')
      : `${String(carriers.length)} ${kinds} (docs/catalogue.md says which)`;
  const warning = key.endsWith('.address') ? ' One series for each; addresses can be personal data.' : '';
  return `Adds \`${key}\` to ${where}.${warning}`;
}
