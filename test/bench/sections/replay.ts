import { setTimeout as sleep } from 'node:timers/promises';
import { loadConfig, type AppConfig } from '../../../config/index.ts';
import { decodeBatch } from '../../../receiver/signals/records.ts';
import { SERIES_KEY } from '../../../receiver/decode/generated/layout.ts';
import { OwnerTable } from '../../../receiver/decode/owners.ts';
import { kernelOptionsOf } from '../../../receiver/settings/kernel.ts';
import type { MapImage } from '../../../receiver/model/map-image.ts';
import { Pipeline } from '../../../receiver/agent/pipeline.ts';
import type { KernelRecord } from '../../../receiver/model/record.ts';
import { KernelSource } from '../../../receiver/source/kernel-source.ts';
import { churn } from '../load.ts';
import { format, heading, note, row } from '../report.ts';
import type { Section } from './section.ts';

const DRAIN_MS = 10;
const RECORDED_CONNECTIONS = 10_000;
const ROWS = 1000;

/** What was recorded from the kernel: the bytes of a ring, and a map of sums. */
interface Recording {
  readonly batches: readonly Uint8Array[];
  readonly records: number;
  readonly series: MapImage;
}

/** From raw bytes to what is exported, on one core, without the kernel: recorded bytes again and again. */
export const replay: Section = {
  name: 'replay',
  what: 'recorded records and sums through decode, correlate and aggregate: records a second',
  async run({ isQuick }) {
    const samples = isQuick ? 3 : 7;
    const seconds = isQuick ? 0.3 : 0.8;
    const config = configOf({});
    const source = KernelSource.start(kernelOptionsOf(config));
    try {
      const recording = await record(source, config);
      heading('Recorded bytes again, for each second of processor time');
      const measure = (label: string, work: () => number, aim?: string): void => {
        timed(work, seconds);
        const rates = Array.from({ length: samples }, () => timed(work, seconds));
        row(label, 'a second', rates, { digits: 0, ...(aim !== undefined && { aim }) });
      };
      const million = '≥ 1,000,000';
      measure(
        'close records, decoded',
        throughRecords(source, recording, () => undefined),
      );
      measure('… and events of them, default rate limit', throughEvents(source, recording, config), million);
      const unlimited = configOf({ WIRESPAN_EVENTS_RATE_LIMIT: '0' });
      measure('… and an event of every one', throughEvents(source, recording, unlimited));
      measure('rows of sums into the metric store', throughSums(source, recording, config));
      note(
        `${format(recording.records, 0)} close records recorded; the metrics come from the rows, of which one stands for ` +
          'all connections of one process, role and port in an interval',
      );
    } finally {
      source.close();
    }
  },
};

function configOf(env: Readonly<Record<string, string>>): AppConfig {
  const close = { WIRESPAN_EVENTS_TCP_CONNECTION_CLOSE: 'on' };
  return loadConfig({ argv: [], env: { ...close, ...env }, readFile: () => '' });
}

function pipelineOf(source: KernelSource, config: AppConfig): Pipeline {
  return new Pipeline(source, config, { event: () => undefined, span: () => undefined });
}

/** Takes what a churn leaves in the kernel, then detaches. */
async function record(source: KernelSource, config: AppConfig): Promise<Recording> {
  const batches: Uint8Array[] = [];
  const owners = ownersOf(source, config);
  const counters = { decoded: 0, bad: 0 };
  const take = (): void =>
    void source.drain((bytes) => {
      batches.push(bytes.slice());
    });
  let isOver = false;
  const load = churn(RECORDED_CONNECTIONS).finally(() => (isOver = true));
  while (!isOver) {
    await sleep(DRAIN_MS);
    take();
  }
  await load;
  source.detach();
  take();
  let records = 0;
  for (const batch of batches)
    decodeBatch(batch, owners, counters, ({ kind }) => (records += kind === 'close' ? 1 : 0));
  return { batches, records, series: multiply(source.read('series')) };
}

function ownersOf(source: KernelSource, config: AppConfig): OwnerTable {
  return new OwnerTable(config.bpf.maxOwners, (key, info) => source.lookup('owners', key, info));
}

function throughRecords(
  source: KernelSource,
  recording: Recording,
  handle: (record: KernelRecord) => void,
): () => number {
  const owners = ownersOf(source, configOf({}));
  return () => {
    const counters = { decoded: 0, bad: 0 };
    for (const batch of recording.batches) decodeBatch(batch, owners, counters, handle);
    return counters.decoded;
  };
}

function throughEvents(source: KernelSource, recording: Recording, config: AppConfig): () => number {
  const { correlator } = pipelineOf(source, config);
  return throughRecords(source, recording, (each) => correlator.handle(each));
}

/** Every row gains in each reading what it had in all when it was recorded. */
function throughSums(source: KernelSource, { series }: Recording, config: AppConfig): () => number {
  const { sums } = pipelineOf(source, config);
  const map = sums.maps.find((each) => each.map === 'series');
  const now = new BigUint64Array(series.values.buffer);
  const gain = now.slice();
  return () => {
    for (let i = 0; i < now.length; i += 1) now[i] = (now[i] ?? 0n) + (gain[i] ?? 0n);
    map?.update(series);
    return series.count;
  };
}

/** As many rows as a busy node has, made of the recorded ones: each copy with a port of its own. */
function multiply(image: MapImage): MapImage {
  const keys = new Uint8Array(ROWS * image.keySize);
  const values = new Uint8Array(ROWS * image.stride);
  const view = new DataView(keys.buffer);
  const used = busyRows(image);
  for (let i = 0; i < ROWS; i += 1) {
    const from = used[i % used.length] ?? 0;
    keys.set(image.keys.subarray(from * image.keySize, (from + 1) * image.keySize), i * image.keySize);
    values.set(image.values.subarray(from * image.stride, (from + 1) * image.stride), i * image.stride);
    view.setUint16(i * image.keySize + SERIES_KEY.server_port, 1024 + i, true);
  }
  return { count: ROWS, keys, values, keySize: image.keySize, stride: image.stride };
}

/** Rows that are not empty and not the overflow row. */
function busyRows({ count, keys, values, keySize, stride }: MapImage): number[] {
  return Array.from({ length: count }, (_, i) => i).filter(
    (i) =>
      keys[i * keySize + SERIES_KEY.overflow] === 0 &&
      values.subarray(i * stride, (i + 1) * stride).some((byte) => byte !== 0),
  );
}

/** Items that `work`, which says how many it did, does in a second of processor time, all threads counted. */
function timed(work: () => number, seconds: number): number {
  const began = process.cpuUsage();
  let done = 0;
  let spent = 0;
  while (spent < seconds) {
    done += work();
    const { user, system } = process.cpuUsage(began);
    spent = (user + system) / 1e6;
  }
  return done / spent;
}
