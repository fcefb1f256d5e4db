/** What leaves by OTLP live, and what leaves when the recording of that is replayed: the same, value for value. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { loadConfig } from '../../config/index.ts';
import { monotonicToRealtime } from '../../native/index.ts';
import { Pipeline } from '../../receiver/agent/pipeline.ts';
import { replayedSettings } from '../../receiver/agent/recorded-settings.ts';
import { createExporters } from '../../receiver/export/exporters.ts';
import { createMachine } from '../../receiver/host/machine.ts';
import { readTextFile } from '../../text/index.ts';
import { RecordingWriter } from '../../receiver/recording/file-writer.ts';
import type { StepName } from '../../receiver/recording/format.ts';
import { LAYOUTS } from '../../receiver/recording/layouts.ts';
import { Recorder } from '../../receiver/recording/recorder.ts';
import { TapedKernel } from '../../receiver/recording/taped-kernel.ts';
import { TapedMachine } from '../../receiver/recording/taped-machine.ts';
import { kernelOptionsOf } from '../../receiver/settings/kernel.ts';
import { KernelSource } from '../../receiver/source/kernel-source.ts';
import { agentArgs, runToEnd, type Ended } from '../support/agent.ts';
import { Cleanup } from '../support/cleanup.ts';
import { NetNamespace } from '../support/net-namespace.ts';
import { startOtlpStub, type OtlpStub } from '../support/otlp-stub.ts';
import { hex, TcpScript } from '../support/script.ts';
import { shownLines, type ShownLines } from '../support/shown-lines.ts';
import { newContext, requestOf } from '../support/traceparent.ts';

const CONNECTIONS = 23;
const SENT = 5_003;
const ROUNDS = 3;
/** Rounds go on for so long, by hand. */
const LOAD_MS = Number(process.env['WIRESPAN_TEST_REPLAY_SECONDS'] ?? 0) * 1000;

/** Views that are shown live of the very bytes that are recorded. */
const SHOWN = ['tcplife', 'tcpstates', 'tcpretrans', 'tcpdrop'];

class WatchedKernel extends TapedKernel {
  readonly #watch: (bytes: Uint8Array) => void;

  constructor(recorder: Recorder, source: KernelSource, watch: (bytes: Uint8Array) => void) {
    super(recorder, source);
    this.#watch = watch;
  }

  override drain(handle: (bytes: Uint8Array) => void): number {
    return super.drain((bytes) => {
      this.#watch(bytes);
      handle(bytes);
    });
  }
}

/** The random ids that our own spans get are others each time. */
function withoutOwnIds(text: string, own: ReadonlySet<string>): string {
  return text.replace(/"([0-9a-f]{16}|[0-9a-f]{32})"/g, (all, id: string) => (own.has(id) ? '"own"' : all));
}

/**
 * Everything that a collector was sent, in an order that does not hang on when it was sent. Which of many samples a point
 * keeps as exemplars is drawn by lot: how many they are is the same.
 */
function sentTo(stub: OtlpStub): Readonly<Record<'metrics' | 'spans' | 'events', string[]>> {
  const spans = stub.spans();
  const own = new Set(
    spans.flatMap(({ spanId, parentSpanId, traceId }) =>
      parentSpanId === '' ? [spanId, traceId] : [spanId],
    ),
  );
  const texts = (items: readonly unknown[]): string[] =>
    items
      .map((item) =>
        withoutOwnIds(
          JSON.stringify(item, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value)),
          own,
        ),
      )
      .sort();
  const metrics = stub.metrics().flatMap(({ gauge, sum, histogram, ...rest }) =>
    (gauge ?? sum ?? histogram)?.dataPoints.map(({ exemplars, ...point }) => ({
      ...rest,
      point: { ...point, exemplars: exemplars?.length },
    })),
  );
  return { metrics: texts(metrics), spans: texts(spans), events: texts(stub.logRecords()) };
}

describe('a mixed load that was recorded', () => {
  const cleanup = new Cleanup();
  const folder = mkdtempSync(join(tmpdir(), 'wirespan-replay-'));
  cleanup.add(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'recording');
  let live: ReturnType<typeof sentTo>;
  let again: ReturnType<typeof sentTo>;
  let ended: Ended;
  const shown = new Map<string, ShownLines>();
  let room: NetNamespace;

  /** Requests of which some are lost, refused connects, drops, and processes that end. */
  async function load(): Promise<void> {
    const [client, server] = [TcpScript.start(room), TcpScript.start(room)];
    const { listener, port } = await server.listen('listen-any');
    room.filter('tcp dport != 1 meta length > 100 numgen inc mod 7 == 0 counter drop');
    for (let i = 0; i < CONNECTIONS; i += 1) {
      const [socket, accepted] = [client.next(), server.next()];
      await client.run('socket', socket);
      await client.run('connect-to', socket, '192.0.2.7', port);
      await server.run('accept', accepted, listener);
      const request = requestOf(newContext());
      await client.run('write', socket, hex(request));
      await server.run('read', accepted, request.length);
      await server.run('fill', accepted, SENT);
      await client.run('read', socket, SENT);
      await client.run('close', socket);
      await server.run('close', accepted);
    }
    room.filter();
    const refused = client.next();
    await client.run('socket', refused);
    await assert.rejects(client.run('connect-to', refused, '192.0.2.7', TcpScript.newPort()));
    await client.stop();
    await server.stop();
  }

  before(async () => {
    room = new NetNamespace();
    cleanup.add(() => room.remove());
    room.exec('ip', 'address', 'add', '192.0.2.7/32', 'dev', 'lo');
    const settings = join(folder, 'settings.yaml');
    writeFileSync(settings, `filter:\n  include:\n    - netns: ${room.inode}\n`);
    const stubs = [
      await startOtlpStub({ protocol: 'http/protobuf' }),
      await startOtlpStub({ protocol: 'http/protobuf' }),
    ] as const;
    const flags = (stub: OtlpStub): string[] => [
      `--config=${settings}`,
      `--otlp.endpoint=${stub.url}`,
      '--otlp.protocol=http/protobuf',
      '--export.metrics.interval=1s',
      '--events.rate_limit=0',
      '--spans.rate_limit=0',
      ...[
        'tcp.connection.open',
        'tcp.connection.close',
        'tcp.retransmit',
        'packet.drop',
        'tcp.state.change',
        'tcp.connection.fail',
      ].map((name) => `--events.${name}=on`),
      '--spans.tcp.connection=always',
    ];
    const config = replayedSettings(
      loadConfig({ argv: flags(stubs[0]), env: {}, readFile: readTextFile }),
      [],
    );
    const source = KernelSource.start(kernelOptionsOf(config, [], { earlyStates: true }));
    cleanup.add(() => source.close());
    const writer = new RecordingWriter(file, { isForced: false, maxBytes: 1e9 });
    const machine = createMachine(monotonicToRealtime);
    writer.begin({
      wirespan: 'test',
      startedMs: Date.now(),
      kernel: 'test',
      bootId: machine.bootId(),
      architecture: process.arch,
      layouts: LAYOUTS,
      probes: { attached: [], missing: [] },
      subnets: [],
      areAddressesMasked: false,
    });
    const recorder = new Recorder(writer, undefined, () => process.hrtime.bigint());
    const exporters = createExporters(config);
    recorder.step('start');
    for (const name of SHOWN) shown.set(name, shownLines(name, source));
    const pipeline = new Pipeline(
      new WatchedKernel(recorder, source, (bytes) => shown.forEach((lines) => lines.take(bytes))),
      config,
      { event: (event) => void exporters.addEvent(event), span: (span) => void exporters.addSpan(span) },
      new TapedMachine(recorder, machine),
    );
    const act = (name: StepName, work: () => unknown): void => {
      recorder.step(name);
      work();
    };
    const collected = () => pipeline.exemplars.metrics.collect(pipeline.clock.toUnixNs(pipeline.clock.now()));
    let isOver = false;
    const loadsUntilMs = performance.now() + LOAD_MS;
    const loads = (async () => {
      for (let i = 0; i < ROUNDS || performance.now() < loadsUntilMs; i += 1) await load();
    })().finally(() => (isOver = true));
    for (let dueMs = performance.now() + 1001; !isOver;) {
      act('drain', () => pipeline.drain());
      await sleep(10);
      if (performance.now() < dueMs) continue;
      dueMs = performance.now() + 1001;
      act('tick', () => pipeline.tick());
      act('sweep', () => pipeline.sweepEnded());
      act('collect', () => pipeline.collect());
      await exporters.metrics?.export(await collected(), performance.now() + 5000);
    }
    await loads;
    source.detach();
    act('stop', () => {
      pipeline.stop();
      pipeline.collect();
    });
    await exporters.shutdown(20_000, async (untilMs) =>
      exporters.metrics?.exportLast(await collected(), untilMs),
    );
    writer.end({ reason: 'asked', seen: pipeline.decoded.decoded, lost: 0 });
    live = sentTo(stubs[0]);
    ended = await runToEnd(process.execPath, agentArgs('replay', file, ...flags(stubs[1])));
    again = sentTo(stubs[1]);
  });
  after(() => cleanup.run());

  it('is replayed to its end', () => {
    assert.equal(ended.code, 0, ended.stderr);
    assert.match(ended.stderr, /^wirespan replay: sent metrics \d+, traces \d+, logs \d+; not sent 0\n$/);
  });

  it('is shown in views line for line as it was live', async () => {
    await Promise.all(
      SHOWN.map(async (name) => {
        const again = await runToEnd(process.execPath, agentArgs('replay', file, name));
        assert.deepEqual([again.code, again.stderr], [0, ''], name);
        assert.equal(again.stdout, await shown.get(name)?.end(), name);
        assert.ok(again.stdout.split('\n').length > 3, `${name}: ${again.stdout}`);
      }),
    );
  });

  for (const signal of ['metrics', 'spans', 'events'] as const)
    it(`has the same ${signal}`, () => {
      assert.ok(live[signal].length > CONNECTIONS);
      const [then, now] = [new Set(live[signal]), new Set(again[signal])];
      assert.deepEqual(
        again[signal].filter((text) => !then.has(text)).slice(0, 3),
        live[signal].filter((text) => !now.has(text)).slice(0, 3),
      );
      assert.equal(again[signal].length, live[signal].length);
    });
});
