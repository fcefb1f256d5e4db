/** The kernel side without the agent: records, counters and sums, as the programs left them. */
import { loadConfig } from '../../config/index.ts';
import { kernelOptionsOf } from '../../receiver/settings/kernel.ts';
import { findCgroupHierarchies } from '../../receiver/host/cgroup-hierarchies.ts';
import { KernelSource } from '../../receiver/source/kernel-source.ts';
import { answersWithout } from './kernel-abilities.ts';
import { decodeBatch } from '../../receiver/signals/records.ts';
import { LOSS_REASON, PROBE_ID, SERIES, SERIES_KEY } from '../../receiver/decode/generated/layout.ts';
import { OwnerTable } from '../../receiver/decode/owners.ts';
import type { KernelOptions } from '../../receiver/source/kernel-options.ts';
import type { ConnectionRecord, KernelRecord, RetransmitRecord } from '../../receiver/model/record.ts';

/** What the defaults ask for: a signal that a test does not know of is as users have it. */
const DEFAULTS = kernelOptionsOf(
  loadConfig({ argv: [], env: {}, readFile: () => '', isWatched: false }),
  findCgroupHierarchies('/proc'),
);

/** Every signal on, limits as small as tests need. */
export const ALL_SIGNALS: KernelOptions = {
  ...DEFAULTS,
  ringBufferBytes: 4 << 20,
  maxSeries: 4096,
  maxSockets: 16_384,
  maxOwners: 4096,
  costlyVariants: true,
  emit: {
    ...DEFAULTS.emit,
    open: true,
    accept: true,
    fail: true,
    close: 'on',
    state: false,
    listener: true,
    retransmit: 'on',
    handshake: true,
    drop: 'off',
    reset: false,
    latency: false,
    softirqSlow: false,
  },
  thresholds: {
    ...DEFAULTS.thresholds,
    handshakeUs: 0,
    acceptQueueUs: 0,
    receiveQueueUs: 0,
    rttUs: 0,
    exchangeUs: 0,
    softirqRunUs: 0,
    softirqWaitUs: 0,
  },
  requests: true,
  arrivals: true,
  hook: true,
  threadContext: true,
  stateDuration: true,
  rttVariation: true,
  transferSize: true,
  peerAddress: 'off',
  retransmits: true,
  drops: true,
  dropStacks: false,
  resets: true,
  receive: false,
  receiveDuration: false,
  softirqs: true,
  softirqDuration: true,
  softirqWait: true,
};

/** All CPUs of an emulated machine are one thread of this one: parts that are loaded side by side are work done again. */
const IS_EMULATED = process.env['WIRESPAN_TEST_EMULATED'] === 'yes';

/** The option of a watcher that sees this network namespace alone: what others on the machine do is not in its counters. */
export function onlyIn({ inode }: { inode: number }): Pick<KernelOptions, 'filter'> {
  return { filter: { include: [{ netns: inode }], exclude: [] } };
}

/** One row of the kernel's sums. */
export interface SeriesRow {
  readonly pid: number;
  readonly port: number;
  /** `enum role`. */
  readonly role: number;
  readonly error: number;
  readonly isOverflow: boolean;
  /** A sum by the name of its field of `struct series`; `index` for arrays. */
  readonly sum: (field: keyof typeof SERIES, index?: number) => number;
}

/** A record that outlasts its batch, of which a header block is a part. */
function keep(record: KernelRecord): KernelRecord {
  return record.kind === 'http2' ? { ...record, bytes: record.bytes.slice() } : record;
}

/** The programs, loaded and attached for one test file. */
export class Watcher {
  readonly source: KernelSource;
  readonly counters = { decoded: 0, bad: 0 };
  readonly #owners: OwnerTable;
  readonly #records: KernelRecord[] = [];

  /** `refused`: programs that are taken for refused by this kernel; `object`: another build of them. */
  constructor(options: Partial<KernelOptions> = {}, refused: readonly string[] = [], object?: string) {
    const all = { ...ALL_SIGNALS, ...(IS_EMULATED ? { loadParts: 1 } : {}), ...options };
    this.source = KernelSource.start(all, answersWithout(refused, all.cgroupRoot), object);
    this.#owners = new OwnerTable(4096, (key, info) => this.source.lookup('owners', key, info));
  }

  /** All records since the start. */
  records(): readonly KernelRecord[] {
    this.source.drain((bytes) =>
      decodeBatch(bytes, this.#owners, this.counters, (record) => this.#records.push(keep(record))),
    );
    return this.#records;
  }

  /**
   * Connection records of the end at this local port, in order. Without the peer's port they are those of every
   * connection that had it: ephemeral ports are used again.
   */
  connections(netns: number, localPort: number, peerPort?: number): ConnectionRecord[] {
    return this.records().filter((record): record is ConnectionRecord =>
      'establishedNs' in record
        ? record.netns === netns &&
          record.endpoints.localPort === localPort &&
          (peerPort === undefined || record.endpoints.peerPort === peerPort)
        : false,
    );
  }

  /** Connection records of one kind by sockets of this namespace whose peer has this port. */
  towards(netns: number, peerPort: number, kind: ConnectionRecord['kind']): ConnectionRecord[] {
    return this.records().filter(
      (record): record is ConnectionRecord =>
        record.kind === kind && record.netns === netns && record.endpoints.peerPort === peerPort,
    );
  }

  /** Retransmissions by sockets of this namespace, of this local port when given. */
  retransmits(netns: number, localPort?: number): RetransmitRecord[] {
    return this.records().filter(
      (record): record is RetransmitRecord =>
        record.kind === 'retransmit' &&
        record.netns === netns &&
        (localPort === undefined || record.endpoints.localPort === localPort),
    );
  }

  count(probe: keyof typeof PROBE_ID, reason: keyof typeof LOSS_REASON): number {
    return this.source.losses()[PROBE_ID[probe] * LOSS_REASON.LOSS_REASONS + LOSS_REASON[reason]] ?? 0;
  }

  /** Over all programs. */
  countAll(reason: keyof typeof LOSS_REASON): number {
    const table = this.source.losses();
    let sum = 0;
    for (let probe = 0; probe < PROBE_ID.PROBE_COUNT; probe += 1)
      sum += table[probe * LOSS_REASON.LOSS_REASONS + LOSS_REASON[reason]] ?? 0;
    return sum;
  }

  /** Runs that the kernel skipped, since a program would have interrupted itself: of that for changes, or of another probe. */
  recursions(probe = 'inet_sock_set_state'): number {
    return this.source.recursionMisses().find((each) => each.probe === probe)?.missed ?? 0;
  }

  /** What was made good though no change was missed: one that was is made good once. */
  needlessRepairs(): number {
    return Math.max(0, this.countAll('REPAIRED') - this.recursions());
  }

  /** One walk over the tracked sockets. */
  pass(): void {
    this.source.pass(process.hrtime.bigint());
  }

  series(): SeriesRow[] {
    const { count, keys, values, keySize, stride } = this.source.read('series');
    const key = new DataView(keys.slice(0, count * keySize).buffer);
    const value = new DataView(values.slice(0, count * stride).buffer);
    return Array.from({ length: count }, (_, row) => ({
      pid: key.getUint32(row * keySize + SERIES_KEY.owner + 8, true),
      port: key.getUint16(row * keySize + SERIES_KEY.server_port, true),
      role: key.getUint8(row * keySize + SERIES_KEY.role),
      error: key.getUint8(row * keySize + SERIES_KEY.error),
      isOverflow: key.getUint8(row * keySize + SERIES_KEY.overflow) !== 0,
      sum: (field, index = 0) => Number(value.getBigUint64(row * stride + SERIES[field] + index * 8, true)),
    }));
  }

  close(): void {
    this.source.close();
  }
}
