/**
 * Jaeger moves a span, or says that it would, which it takes for one of another host's. Spans of an application and records
 * of its connections are given here, with hosts and times of every kind; correlator, exporter and Jaeger are real.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { createExporters } from '../../receiver/export/exporters.ts';
import type { NetworkSpan } from '../../receiver/model/event.ts';
import { startJaeger, type Jaeger } from '../backends/run.ts';
import { Cleanup } from '../support/cleanup.ts';
import { connection, harness, owner, request, retransmit } from '../support/correlation.ts';
import { exportSettings } from '../support/export-settings.ts';
import { waitFor } from '../support/wait.ts';
import { getCurrentTrace, getTrace } from '../backends/jaeger-traces.ts';

const MS = 1_000_000n;
/** The application's span lasts so long. It writes its request after the first millisecond. */
const LENGTH_MS = 100;

type Attributes = Readonly<Record<string, string>>;

/** What the resource of the application says of its host. */
const HOSTS = {
  nothing: {},
  'our host.id': { 'host.id': 'ours' },
  'another host.id': { 'host.id': 'of the container' },
  'host.name alone': { 'host.name': 'box' },
  'an ip that it declared': { ip: '10.1.2.3' },
} as const;
const OURS = { 'service.name': 'shop', 'host.id': 'ours', 'host.name': 'box' };

/** When bytes were sent again, milliseconds. */
const RETRANSMISSIONS = {
  'within the span': [20],
  'at its end': [20, LENGTH_MS],
  'within it and after it': [80, 130],
  'after it': [225],
  'long after it': [1_900],
} as const;

interface Shown {
  readonly api: string;
  /** Milliseconds after the application's span began. */
  readonly startMs: number;
  readonly endMs: number;
  readonly warnings: readonly string[];
}

/** Sends traces of an application's span and one of ours, and tells what Jaeger shows of ours. */
class Sender {
  readonly #jaeger: Jaeger;
  readonly #emit: (span: NetworkSpan) => void;
  readonly #startNs = BigInt(Date.now() - 10_000) * MS;
  #count = 0;

  constructor(jaeger: Jaeger, emit: (span: NetworkSpan) => void) {
    this.#jaeger = jaeger;
    this.#emit = emit;
  }

  retransmission(host: Attributes, times: readonly number[]): () => Promise<Shown[]> {
    return this.#send(host, (context) => times.map((ms) => retransmit({ timeNs: this.#at(ms), context })));
  }

  handshake(host: Attributes, [startMs, endMs]: readonly [number, number]): () => Promise<Shown[]> {
    const times = { handshakeStartNs: this.#at(startMs), establishedNs: this.#at(endMs) };
    return this.#send(host, (context) => [connection({ kind: 'handshake', ...times, context })]);
  }

  #send(
    host: Attributes,
    recordsOf: (context: ReturnType<typeof request>) => Parameters<Correlate>[0][],
  ): () => Promise<Shown[]> {
    this.#count += 1;
    const context = request(this.#count, { requestStartNs: this.#at(1) });
    const { traceId, spanId, traceFlags } = context;
    this.#emit({
      traceId,
      spanId,
      traceFlags,
      name: 'GET',
      scope: 'application',
      resource: resource('application', { 'service.name': 'shop', ...host }),
      startUnixNs: this.#startNs,
      endUnixNs: this.#at(LENGTH_MS),
      attributes: {},
      failed: false,
      links: [],
    });
    // What an application declares is ours too, unless we see it ourselves.
    const declared = 'ip' in host ? { ip: String(host['ip']) } : {};
    const { correlator } = harness({
      clock: { toUnixNs: (ns) => ns, bootToUnixNs: (ns) => ns, now: () => 0n },
      resolve: () => resource(owner.command, { ...OURS, ...declared }),
      emitSpan: this.#emit,
    });
    for (const record of recordsOf(context)) correlator.handle(record);
    correlator.flush();
    return () => this.#shown(traceId);
  }

  async #shown(traceId: string): Promise<Shown[]> {
    const apis = {
      v1: await getTrace(this.#jaeger, traceId),
      v3: await getCurrentTrace(this.#jaeger, traceId),
    };
    const startUs = Number(this.#startNs / 1_000n);
    return Object.entries(apis).flatMap(([api, spans]) =>
      spans
        .filter(({ name }) => name.startsWith('tcp '))
        .map((span) => ({
          api,
          startMs: (span.startUs - startUs) / 1_000,
          endMs: (span.endUs - startUs) / 1_000,
          warnings: span.warnings,
        })),
    );
  }

  #at(ms: number): bigint {
    return this.#startNs + BigInt(ms) * MS;
  }
}

type Correlate = ReturnType<typeof harness>['correlator']['handle'];

function resource(name: string, attributes: Attributes): NetworkSpan['resource'] {
  return { id: `${name}:${JSON.stringify(attributes)}`, kind: 'workload', attributes };
}

const asSent = (startMs: number, endMs: number): Shown[] =>
  ['v1', 'v3'].map((api) => ({ api, startMs, endMs, warnings: [] }));

for (const maxClockSkew of ['0s', '1h']) {
  describe(`spans of ours in a Jaeger that moves spans by ${maxClockSkew} at most`, () => {
    const cleanup = new Cleanup();
    const shown = new Map<string, Shown[]>();
    const expected = new Map<string, Shown[]>();

    before(async () => {
      const jaeger = await startJaeger({ outputDir: join(cleanup.makeFolder(), 'jaeger'), maxClockSkew });
      cleanup.add(() => jaeger.stop());
      const endpoint = `http://127.0.0.1:${jaeger.otlpPort}`;
      const exporters = createExporters(exportSettings({ endpoint, disabled: ['metrics', 'logs'] }));
      cleanup.add(() => exporters.shutdown(1_000));
      const sender = new Sender(jaeger, (span) => assert.ok(exporters.addSpan(span)));
      const asked = new Map<string, () => Promise<Shown[]>>();
      for (const [host, attributes] of Object.entries(HOSTS)) {
        for (const [when, times] of Object.entries(RETRANSMISSIONS)) {
          const about = `an application that says ${host}: sent again ${when}`;
          asked.set(about, sender.retransmission(attributes, times));
          expected.set(about, asSent(1, times.at(-1) ?? 0));
        }
        const [within, ahead] = [`${host}: handshake within its span`, `${host}: handshake before its span`];
        asked.set(within, sender.handshake(attributes, [0, 1]));
        expected.set(within, asSent(0, 1));
        asked.set(ahead, sender.handshake(attributes, [-4, -2]));
      }
      await exporters.forceFlush();
      for (const [about, ask] of asked)
        await waitFor(`Jaeger to have ${about}`, async () => {
          shown.set(about, await ask().catch(() => []));
          return shown.get(about)?.length === 2;
        });
    });
    after(() => cleanup.run());

    it('are where they were, without a warning, whatever the application says of its host', () => {
      for (const [about, spans] of expected) assert.deepEqual(shown.get(about), spans, about);
    });

    it('which began before the span that they are under, are told from another host by these attributes', () => {
      const trusted: Readonly<Record<string, readonly string[]>> = {
        nothing: [],
        'our host.id': ['v3'],
        'another host.id': [],
        'host.name alone': [],
        'an ip that it declared': ['v1'],
      };
      for (const [host, apis] of Object.entries(trusted)) {
        const spans = shown.get(`${host}: handshake before its span`) ?? [];
        const unwarned = spans.filter(({ warnings }) => warnings.length === 0).map(({ api }) => api);
        assert.deepEqual(unwarned, apis, host);
      }
    });
  });
}
