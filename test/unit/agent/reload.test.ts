import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { configOf, readCheckedSettings, type AppConfig } from '../../../config/index.ts';
import { kernelOptionsOf } from '../../../receiver/settings/kernel.ts';
import { Reloader } from '../../../receiver/agent/reload.ts';
import { planReload, type LoadedSettings, type ReloadPlan } from '../../../receiver/agent/reload-plan.ts';
import { sourcesOf } from '../config/sources.ts';

function loaded(yaml: string): LoadedSettings {
  const settings = readCheckedSettings(sourcesOf({ yaml }));
  return { config: configOf(settings, false), values: settings.values };
}

function plan(before: string, now: string): ReloadPlan {
  const running = loaded(before);
  return planReload(running, loaded(now), kernelOptionsOf(running.config));
}

describe('planReload', () => {
  it('finds nothing to do when nothing changed', () => {
    const { applied, needsRestart } = plan('log: {level: warn}', 'log: {level: "warn"}');
    assert.deepEqual([applied, needsRestart], [[], []]);
  });

  it('changes filters, limits, the log and the deadline', () => {
    const now = `
filter: {include: [{port: 443}], exclude: [{command: sshd}]}
log: {level: debug}
shutdown: {deadline: 7s}
events: {rate_limit: 11}
spans: {rate_limit: 13, max_per_parent: 17, max_per_trace: 19}
sampling: {connection_ratio: 0.25, connection_slow: 2s}
`;
    const { next, applied, needsRestart } = plan('', now);
    assert.deepEqual(needsRestart, []);
    assert.equal(applied.length, 10);
    assert.deepEqual(next.config, loaded(now).config);
    assert.deepEqual(next.values, loaded(now).values);
  });

  it('names what is fixed, and leaves it as it was', () => {
    const now = 'bpf: {max_series: 99}\notlp: {endpoint: "http://other:4317"}\nlog: {level: error}';
    const { next, applied, needsRestart } = plan('', now);
    assert.deepEqual(applied, ['log.level']);
    assert.deepEqual(needsRestart.toSorted(), ['bpf.max_series', 'otlp.endpoint']);
    assert.deepEqual(next.config, { ...loaded('').config, logLevel: 'error' });
  });

  it('turns events off, and on again when the programs make their records', () => {
    const on = 'events: {tcp: {connection: {close: on}}}';
    const off = 'events: {tcp: {connection: {close: off}}}';
    const running = loaded(on);
    const started = kernelOptionsOf(running.config);
    const without = planReload(running, loaded(off), started);
    assert.deepEqual([without.applied, without.needsRestart], [['events.tcp.connection.close'], []]);
    assert.equal(without.next.config.events.get('wirespan.tcp.connection.close'), 'off');
    const again = planReload(without.next, loaded(on), started);
    assert.deepEqual([again.applied, again.needsRestart], [['events.tcp.connection.close'], []]);
    assert.deepEqual(plan(off, on).needsRestart, ['events.tcp.connection.close']);
    assert.deepEqual(plan(off, on).next.config, loaded(off).config);
  });

  it('knows that an event of every packet asks for more than one on a trace', () => {
    const drop = (mode: string): string => `events: {packet: {drop: ${mode}}}`;
    assert.deepEqual(plan(drop('correlated'), drop('on')).needsRestart, ['events.packet.drop']);
    assert.deepEqual(plan(drop('on'), drop('correlated')).applied, ['events.packet.drop']);
  });

  it('does the same for spans', () => {
    const span = (mode: string): string => `spans: {tcp: {accept: ${mode}}}`;
    assert.deepEqual(plan(span('off'), span('always')).needsRestart, ['spans.tcp.accept']);
    assert.deepEqual(plan(span('always'), span('off')).applied, ['spans.tcp.accept']);
  });

  it('changes the agent’s own events, for which there is no program', () => {
    const { applied } = plan('', 'events: {agent: {stop: off}}');
    assert.deepEqual(applied, ['events.agent.stop']);
  });
});

describe('Reloader', () => {
  function reloaderOf(texts: string[]): { reloader: Reloader; applied: AppConfig[]; log: string[] } {
    const running = loaded(texts.shift() ?? '');
    const applied: AppConfig[] = [];
    const log: string[] = [];
    const write = (level: string) => (message: string) => void log.push(`${level}: ${message}`);
    const reloader = new Reloader({
      running,
      started: kernelOptionsOf(running.config),
      load: () => loaded(texts.shift() ?? ''),
      apply: (config) => applied.push(config),
      log: { info: write('info'), warn: write('warn'), error: write('error') },
    });
    return { reloader, applied, log };
  }

  it('puts in force what changed against what is in force, time after time', () => {
    const { reloader, applied, log } = reloaderOf([
      '',
      'log: {level: debug}\nbpf: {max_owners: 97}',
      'log: {level: debug}\nbpf: {max_owners: 97}',
      '',
    ]);
    for (let i = 0; i < 3; i += 1) reloader.reload();
    assert.deepEqual(
      applied.map(({ logLevel, bpf }) => [logLevel, bpf.maxOwners]),
      [
        ['debug', 16_384],
        ['info', 16_384],
      ],
    );
    assert.deepEqual(log, [
      'info: the settings were read again; changed: log.level',
      'warn: needs a restart: bpf.max_owners',
      'info: the settings were read again; changed: none',
      'warn: needs a restart: bpf.max_owners',
      'info: the settings were read again; changed: log.level',
    ]);
  });

  it('keeps everything when the new settings are bad', () => {
    const { reloader, applied, log } = reloaderOf([
      '',
      'log: {level: loud}\nfilter: {include: [{port: 0}]}',
      'log: {level: warn}',
    ]);
    reloader.reload();
    assert.deepEqual(applied, []);
    assert.equal(log.length, 1);
    assert.match(log[0] ?? '', /^error: the settings stay as they are.*log\.level.*; filter\.include/);
    reloader.reload();
    assert.equal(applied.length, 1);
  });
});
