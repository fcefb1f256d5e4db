import { lintMetric } from './lint-metric.ts';
import { constantName, OWN_ROOT, STABILITIES } from './model.ts';
import type { Attribute, Documented, Event, Registry, Span } from './model.ts';
import type { AttributeUse, ResourceKind, Scope } from '../types.ts';

/** The BCC tools whose questions the signals answer; tcppktlat joins with the metrics of the packet path. */
const BCC_TOOLS = [
  'solisten',
  'softirqs',
  'tcpaccept',
  'tcpconnect',
  'tcpconnlat',
  'tcpdrop',
  'tcplife',
  'tcpretrans',
  'tcprtt',
  'tcpstates',
  'tcpsubnet',
  'tcpsynbl',
  'tcptop',
  'tcptracer',
];

const NAME = /^[a-z][a-z0-9]*(?:[._][a-z0-9]+)*$/;
const MAX_NAME_LENGTH = 255;

interface Signal extends Documented {
  readonly descriptor: {
    readonly name: string;
    readonly type?: string;
    readonly scope: Scope;
    readonly resource: ResourceKind;
    readonly attributes: readonly AttributeUse[];
  };
}

/** Breaches of the naming and modelling rules, one line each: file, item, what is wrong. */
export function lint(registry: Registry): string[] {
  const attributes = [...registry.attributes.values()];
  const metricNames = new Set(registry.metrics.map(({ descriptor }) => descriptor.name));
  const signals: Signal[] = [...registry.metrics, ...registry.spans, ...registry.events];
  return [
    ...attributes.flatMap((attribute) => lintName(attribute, attribute.descriptor.key)),
    ...signals.flatMap((signal) => lintName(signal, signal.descriptor.type ?? signal.descriptor.name)),
    ...signals.flatMap((signal) => lintSignal(signal, registry.attributes)),
    ...lintNamespace(attributes, ({ descriptor }) => descriptor.key),
    ...lintNamespace(registry.metrics, ({ descriptor }) => descriptor.name),
    ...registry.metrics.flatMap((metric) => lintMetric(metric, metricNames)),
    ...registry.spans.flatMap(lintSpan),
    ...registry.events.flatMap(lintEvent),
  ];
}

/** Tools of the BCC list that no signal covers. */
export function lintCoverage(registry: Registry): string[] {
  const covered = new Set([
    ...registry.metrics.flatMap(({ descriptor }) => descriptor.bccTools),
    ...[...registry.spans, ...registry.events].flatMap(({ bccTools }) => bccTools),
  ]);
  return BCC_TOOLS.filter((tool) => !covered.has(tool)).map(
    (tool) => `metrics.yaml: no signal covers ${tool}`,
  );
}

function lintName({ where, own }: Documented, name: string): string[] {
  if (!own) return [];
  const problems: string[] = [];
  if (!name.startsWith(OWN_ROOT)) problems.push(`${where}: an own name begins with ${OWN_ROOT}`);
  if (!NAME.test(name)) problems.push(`${where}: a name is lower-case words joined by single "." or "_"`);
  if (name.length > MAX_NAME_LENGTH)
    problems.push(`${where}: the name is longer than ${MAX_NAME_LENGTH} characters`);
  return problems;
}

/** No name is another's namespace, and no two names become one constant. */
function lintNamespace<T extends Documented>(items: readonly T[], nameOf: (item: T) => string): string[] {
  const names = new Set(items.map(nameOf));
  const constants = new Map<string, string>();
  return items.flatMap((item) => {
    const name = nameOf(item);
    const parts = name.split('.');
    const prefix = parts
      .map((_, index) => parts.slice(0, index).join('.'))
      .find((candidate) => names.has(candidate));
    const problems =
      prefix === undefined ? [] : [`${item.where}: the name lies below ${prefix}, which is a name too`];
    const constant = constantName(name);
    const other = constants.get(constant);
    if (other !== undefined) problems.push(`${item.where}: gives the same constant as ${other}`);
    constants.set(constant, name);
    return problems;
  });
}

function lintSignal(signal: Signal, attributes: ReadonlyMap<string, Attribute>): string[] {
  const { where, stability, descriptor } = signal;
  const problems = descriptor.attributes
    .filter(({ key, level }) => level !== 'opt_in' && rank(attributes.get(key)?.stability) < rank(stability))
    .map(({ key }) => `${where}: ${key} is less stable than the signal, so it can only be opt_in`);
  if ((descriptor.scope === 'agent') !== (descriptor.resource === 'agent')) {
    problems.push(`${where}: the scope is agent exactly when the resource is`);
  }
  return problems;
}

function rank(stability: Documented['stability'] | undefined): number {
  return stability === undefined ? -1 : STABILITIES.indexOf(stability);
}

function lintSpan({ where, kind, status, descriptor }: Span): string[] {
  const problems: string[] = [];
  if (kind !== 'internal') problems.push(`${where}: the kind is internal`);
  if (status.trim() === '') problems.push(`${where}: the span needs a status rule`);
  if (!descriptor.modes.includes('off')) problems.push(`${where}: the modes include off`);
  if (/[{}0-9]/.test(descriptor.name)) problems.push(`${where}: the fixed part of the name holds no value`);
  const { namedBy } = descriptor;
  if (namedBy !== undefined && !descriptor.attributes.some(({ key }) => key === namedBy)) {
    problems.push(`${where}: named_by ${namedBy} is not among the attributes`);
  }
  return problems;
}

function lintEvent({ where, descriptor }: Event): string[] {
  const { severityNumber, severityNumberOnError } = descriptor;
  const problems = [severityNumber, severityNumberOnError ?? severityNumber]
    .filter((number) => !Number.isInteger(number) || number < 1 || number > 24)
    .map((number) => `${where}: ${number} is no severity number (1 to 24)`);
  if (severityNumberOnError !== undefined && severityNumberOnError <= severityNumber) {
    problems.push(`${where}: severity_number_on_error is above severity_number`);
  }
  return problems;
}
