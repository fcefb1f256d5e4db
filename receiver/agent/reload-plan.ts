import type { AppConfig } from '../../config/index.ts';
import { EVENTS, SPANS } from '../../semconv/index.ts';
import { kernelOptionsOf } from '../settings/kernel.ts';
import { FAMILIES } from '../signals/index.ts';
import type { KernelOptions } from '../source/kernel-options.ts';

/** Settings, and the value of every key that they were made from. */
export interface LoadedSettings {
  readonly config: AppConfig;
  readonly values: ReadonlyMap<string, unknown>;
}

export interface ReloadPlan {
  /** In force from now on: the old settings with what could be changed. */
  readonly next: LoadedSettings;
  readonly applied: readonly string[];
  readonly needsRestart: readonly string[];
}

/** The part of the settings that a key decides; only of keys that can change while the agent runs. */
type PartOf = (fresh: AppConfig, before: AppConfig) => Partial<AppConfig>;

const filter: PartOf = (fresh) => ({ filter: fresh.filter });
const sampling: PartOf = (fresh) => ({ sampling: fresh.sampling });
const spanLimits: PartOf = (fresh) => ({ spanLimits: fresh.spanLimits });

const LIVE: ReadonlyMap<string, PartOf> = new Map<string, PartOf>([
  ['filter.include', filter],
  ['filter.exclude', filter],
  ['log.level', ({ logLevel }) => ({ logLevel })],
  ['display.group_by', ({ groupBy }) => ({ groupBy })],
  ['shutdown.deadline', ({ shutdownDeadlineMs }) => ({ shutdownDeadlineMs })],
  ['events.rate_limit', ({ eventRateLimit }) => ({ eventRateLimit })],
  ['spans.rate_limit', spanLimits],
  ['spans.max_per_parent', spanLimits],
  ['spans.max_per_trace', spanLimits],
  ['sampling.connection_ratio', sampling],
  ['sampling.connection_slow', sampling],
  ...EVENTS.map((event): [string, PartOf] => [
    event.switch,
    (fresh, before) => ({ events: withKey(before.events, event.name, fresh.events) }),
  ]),
  ...SPANS.map((span): [string, PartOf] => [
    span.switch,
    (fresh, before) => ({ spans: withKey(before.spans, span.type, fresh.spans) }),
  ]),
]);

/** The map with one entry as it is in `from`. */
function withKey<T>(
  map: ReadonlyMap<string, T>,
  key: string,
  from: ReadonlyMap<string, T>,
): ReadonlyMap<string, T> {
  const value = from.get(key);
  return value === undefined ? map : new Map([...map, [key, value]]);
}

/**
 * What can be changed of the settings in force, and what needs a restart: all that is fixed when the
 * programs are loaded. `started`: what the kernel side was started with.
 */
export function planReload(
  running: LoadedSettings,
  fresh: LoadedSettings,
  started: KernelOptions,
): ReloadPlan {
  const applied: string[] = [];
  const needsRestart: string[] = [];
  const values = new Map(running.values);
  let { config } = running;
  for (const [key, value] of fresh.values) {
    if (JSON.stringify(value) === JSON.stringify(running.values.get(key))) continue;
    const part = LIVE.get(key);
    const candidate = part && { ...config, ...part(fresh.config, config) };
    if (candidate === undefined || asksMore(kernelOptionsOf(candidate), started)) {
      needsRestart.push(key);
      continue;
    }
    config = candidate;
    values.set(key, value);
    applied.push(key);
  }
  return { next: { config, values }, applied, needsRestart };
}

/** Whether records are wanted that the loaded programs do not make. */
function asksMore(wanted: KernelOptions, started: KernelOptions): boolean {
  const rank = (value: unknown): number =>
    value === true || value === 'on' ? 2 : value === 'correlated' ? 1 : 0;
  const emits = Object.entries(wanted.emit).some(
    ([name, value]) => rank(value) > rank(started.emit[name as keyof KernelOptions['emit']]),
  );
  const needed = FAMILIES.flatMap(({ probes = [] }) => probes).some(
    ({ isWanted }) => isWanted?.(wanted) === true && !isWanted(started),
  );
  return emits || needed;
}
