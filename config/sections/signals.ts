import { EVENTS, METRICS, SPANS } from '../../semconv/index.ts';
import type { SelfMetrics } from '../app-config.ts';
import { choice, duration, integer, onOff, ratio } from '../format.ts';
import { OPT_IN_ATTRIBUTES } from './opt-in-attributes.ts';
import { setting, type SettingSource, type SettingTree } from '../setting.ts';

/** The agent's own metrics with upstream's names: one switch for all names that begin so. */
export const SELF_METRICS: readonly (readonly [name: SelfMetrics, doc: string])[] = [
  ['otel.sdk', "The agent's exporters and their queues (`otel.sdk.*`)."],
  ['process', 'What the agent costs (`process.cpu.time`, `process.memory.usage`).'],
  ['nodejs', "The agent's event loop (`nodejs.eventloop.*`)."],
];

const EVENT_MODE = choice(['on', 'correlated', 'off']);

type Mutable = { [name: string]: SettingSource | Mutable };

/** Nests leaves under their dotted names. */
function nest(leaves: Iterable<readonly [path: string, leaf: SettingSource]>): SettingTree {
  const root: Mutable = {};
  for (const [path, leaf] of leaves) {
    const names = path.split('.');
    const last = names.pop() ?? path;
    let group = root;
    for (const name of names) group = (group[name] ??= {}) as Mutable;
    group[last] = leaf;
  }
  return root;
}

function sentence(description: string, name: string): string {
  return `${description.trim().replace(/\.$/, '')} (\`${name}\`).`;
}

/** Nests switches, whose paths begin with the name of their kind. */
function switches(
  kind: string,
  leaves: readonly (readonly [path: string, leaf: SettingSource])[],
): SettingTree {
  return nest(leaves)[kind] as SettingTree;
}

/** `metrics.*`, `events.*`, `spans.*` and `attributes.*`: one switch a signal, from the registry. */
export const signalSettings: SettingTree = {
  metrics: switches('metrics', [
    ...METRICS.map((m): [string, SettingSource] => [
      m.switch,
      setting(onOff, m.defaultOn ? 'on' : 'off', sentence(m.description, m.name)),
    ]),
    ...SELF_METRICS.map(([name, doc]): [string, SettingSource] => [
      `metrics.${name}`,
      setting(onOff, 'on', doc),
    ]),
  ]),
  events: {
    rate_limit: setting(
      integer(0),
      5,
      'Events a second for each event name and workload, ten times that for the node, shared fairly; the rest is counted. 0: no limit.',
    ),
    ...switches(
      'events',
      EVENTS.map((e) => [e.switch, setting(EVENT_MODE, e.defaultMode, `When \`${e.name}\` is sent.`)]),
    ),
  },
  spans: {
    rate_limit: setting(
      integer(0),
      1000,
      'Spans a second for the node, shared fairly by user, container, service and process. 0: no limit.',
    ),
    max_per_parent: setting(
      integer(1, 2 ** 20),
      20,
      'Spans below one application span, of one user and container.',
    ),
    max_per_trace: setting(integer(1, 2 ** 20), 200, 'Spans in one trace, of one user and container.'),
    exchange_phases: setting(
      onOff,
      'off',
      'Divides each `tcp exchange` into `wirespan.tcp.exchange.phase.*`: who or what its time was spent on. A program runs at each read.',
    ),
    ...switches(
      'spans',
      SPANS.map((s) => [
        s.switch,
        setting(choice(s.modes), s.defaultMode, `When the span \`${s.name}\` is sent.`),
      ]),
    ),
  },
  sampling: {
    connection_ratio: setting(
      ratio,
      1,
      'Share of connections that get the span `tcp connection` where it is on, chosen by `wirespan.tcp.connection.id`. Failed and slow ones always do.',
    ),
    connection_slow: setting(
      duration(0),
      1_000,
      'A connection whose handshake, or smoothed round-trip time, takes as long is slow.',
      { defaultText: '`1s`' },
    ),
  },
  attributes: switches(
    'attributes',
    OPT_IN_ATTRIBUTES.map((each) => [each.switch, setting(onOff, 'off', each.doc)]),
  ),
};
