import { EVENTS, METRICS, SPANS } from '../../semconv/index.ts';
import { choice, integer, onOff } from '../format.ts';
import { OPT_IN_ATTRIBUTES } from './opt-in-attributes.ts';
import { setting, type SettingSource, type SettingTree } from '../setting.ts';

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
  metrics: switches(
    'metrics',
    METRICS.map((m) => [
      m.switch,
      setting(onOff, m.defaultOn ? 'on' : 'off', sentence(m.description, m.name)),
    ]),
  ),
  events: {
    rate_limit: setting(
      integer(0),
      5,
      'Events a second for each event name and workload; the rest is counted. 0: no limit, for the node neither.',
    ),
    ...switches(
      'events',
      EVENTS.map((e) => [e.switch, setting(EVENT_MODE, e.defaultMode, `When \`${e.name}\` is sent.`)]),
    ),
  },
  spans: {
    rate_limit: setting(integer(0), 1000, 'Spans a second for the node. 0: no limit.'),
    max_per_parent: setting(integer(1), 20, 'Spans below one application span.'),
    max_per_trace: setting(integer(1), 200, 'Spans in one trace.'),
    ...switches(
      'spans',
      SPANS.map((s) => [
        s.switch,
        setting(choice(s.modes), s.defaultMode, `When the span \`${s.name}\` is sent.`),
      ]),
    ),
  },
  attributes: switches(
    'attributes',
    OPT_IN_ATTRIBUTES.map((each) => [each.switch, setting(onOff, 'off', each.doc)]),
  ),
};
