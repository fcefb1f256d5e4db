import { builtFile } from '../../native/built.ts';
import { possibleCpus, type BpfSession } from '../../native/index.ts';
import { STATE_COUNT } from '../decode/generated/layout.ts';
import type { MapImage } from '../model/map-image.ts';
import type { KernelNames } from '../model/record.ts';
import { attachPrograms, kernelAnswers } from './attach.ts';
import { beginLoad, type BegunLoad } from './begun-load.ts';
import { FilterWriter, type KernelFilter } from './filter.ts';
import type { Kernel } from './kernel.ts';
import type { KernelOptions } from './kernel-options.ts';
import { u32, u8 } from './number-bytes.ts';
import { subnetKey } from './subnet.ts';
import { Passes, runAll } from './passes.ts';
import { withBestPlan, type KernelAnswers, type Plan } from './plan.ts';
import { Rings } from './rings.ts';
import { addOverflowRows, takeRow } from './row-maps.ts';

export const BPF_OBJECT = builtFile('bpf/wirespan.bpf.o');

/** How programs begin that have a ring of their own. */
const PACKET = 'ws_packet_';

/** Counts per CPU of a `probe * LOSS_REASONS + reason` table, summed; see `enum probe_id`, `enum loss_reason`. */
export type LossTable = readonly number[];

/** The loaded BPF programs, and everything that is read from them. */
export class KernelSource implements Kernel {
  readonly plan: Plan;
  /** Words for this kernel's numbers. */
  readonly names: KernelNames;
  readonly #session: BpfSession;
  readonly #cgroupRoot: string | undefined;
  readonly #rings: Rings;
  readonly #filter: FilterWriter;
  readonly #images = new Map<string, { keys: Uint8Array; values: Uint8Array }>();
  readonly #passes: Passes;

  private constructor(session: BpfSession, plan: Plan, names: KernelNames, cgroupRoot: string | undefined) {
    this.#session = session;
    this.#cgroupRoot = cgroupRoot;
    this.plan = plan;
    this.names = names;
    this.#rings = new Rings(
      session,
      plan.attached.some(({ program }) => program.startsWith(PACKET)),
    );
    this.#filter = new FilterWriter(session);
    this.#passes = new Passes(session, plan.iterators);
  }

  /**
   * Chooses, loads and attaches the programs and finds what is older than them. `answers`: what the plan is made by,
   * when it is not to be the running kernel; `object`: another build of the programs.
   * @throws NativeError when the kernel refuses what cannot be done without
   */
  static start(
    options: KernelOptions,
    answers: KernelAnswers = kernelAnswers(BPF_OBJECT, options.cgroupRoot),
    object = BPF_OBJECT,
  ): KernelSource {
    const load = (plan: Plan): KernelSource =>
      KernelSource.of(plan, options, beginLoad(plan, options, object));
    return withBestPlan(answers, options, load);
  }

  /**
   * What has begun to be loaded, when that is done.
   * @throws NativeError as `start`
   */
  static of(plan: Plan, options: KernelOptions, { session, names }: BegunLoad): KernelSource {
    try {
      session.load(options.loadParts);
      const source = new KernelSource(session, plan, names, options.cgroupRoot);
      source.#begin(options);
      return source;
    } catch (error) {
      session.close();
      throw error;
    }
  }

  #begin({ subnets, filter }: Pick<KernelOptions, 'subnets' | 'filter'>): void {
    this.#session.runIterator(this.plan.iterators.self, new Uint8Array(0));
    this.#findCpus();
    this.#filter.write(filter);
    for (const [index, subnet] of subnets.entries())
      this.#session.update('subnets', subnetKey(subnet), u32(index + 1));
    addOverflowRows(this.#session);
    this.attach();
    for (const listeners of [1, 0]) {
      this.#session.setVariable('scan_listeners', u8(listeners));
      runAll(this.#session, this.plan.iterators.firstPass);
    }
  }

  /** Where the kernel's counters are: those of all CPUs, or none. */
  #findCpus(): void {
    runAll(this.#session, this.plan.iterators.cpus);
    // A machine may leave numbers out: what lies there is nothing that counts.
    if (this.#readU32('cpu_count') !== possibleCpus()) this.#session.setVariable('cpu_count', u32(0));
  }

  /** The agent in the initial pid namespace; not `process.pid` when it runs in another one. */
  agentPid(): number {
    return this.#readU32('agent_pid');
  }

  /** Network namespaces are counted in `listen_namespaces`; else what they count is to be had from `/proc` alone. */
  get countsNamespaces(): boolean {
    return this.#readU32('cpu_count') > 0;
  }

  /** Hands out what the rings hold, a batch at a time; the bytes are valid during the call only. */
  drain(handle: (bytes: Uint8Array) => void): number {
    return this.#rings.drain(handle);
  }

  /** Called when the ring is more than half full. */
  onPressure(callback: () => void): void {
    this.#rings.events.onReadable(callback);
  }

  /** One walk over the tracked sockets: `nowNs` is CLOCK_MONOTONIC. Returns the pass's number. */
  pass(nowNs: bigint, socketsARun?: number): number {
    return this.#passes.run(nowNs, socketsARun);
  }

  /** A pass between collections, of which nothing is exported but what each pass counts; `tellsAll`: of all connections. */
  passForViews(nowNs: bigint, tellsAll: boolean): number {
    return this.#passes.runForViews(nowNs, tellsAll);
  }

  /** Sockets that the last pass found in the table, closed ones too; 0 where there is no table. */
  trackedSockets(): number {
    return this.#passes.entries();
  }

  /** Drops without a socket were counted that no pass has looked at yet. */
  get hasUnowned(): boolean {
    const seen = new Uint8Array(1);
    this.#session.getVariable('unowned_seen', seen);
    return seen[0] !== 0;
  }

  /**
   * A pass that also finds the owners of the drops without a socket until now. The banks of `unowned_drops`
   * up to `bank` are closed by then.
   */
  passForUnowned(nowNs: bigint): { readonly pass: number; readonly bank: number } {
    return this.#passes.runForUnowned(nowNs);
  }

  /**
   * From now on this is observed. Live connections that are no longer wanted are left at the next
   * pass; those that were not wanted before stay unseen, but for ones that wait to be accepted.
   * @throws RangeError when there are too many rules; the filter in force stays
   */
  setFilter(filter: KernelFilter): void {
    this.#filter.write(filter);
    runAll(this.#session, this.plan.iterators.owners);
  }

  /** Sockets by kernel state number in this network namespace, TIME_WAIT and SYN_RECV included. */
  countStates(): readonly number[] {
    const bytes = new Uint8Array(STATE_COUNT.TCP_STATES * BigUint64Array.BYTES_PER_ELEMENT);
    this.#session.setVariable('pass_states', bytes);
    runAll(this.#session, this.plan.iterators.states);
    this.#session.getVariable('pass_states', bytes);
    return [...new BigUint64Array(bytes.buffer)].map(Number);
  }

  /** Established connections that the last pass met. */
  trackedConnections(): number {
    return this.#readU64('pass_connections');
  }

  /** Sockets older than the agent that the first pass met. */
  metAtStart(): number {
    return this.#readU64('pass_scanned');
  }

  #readU32(name: string): number {
    const bytes = new Uint8Array(4);
    this.#session.getVariable(name, bytes);
    return new DataView(bytes.buffer).getUint32(0, true);
  }

  #readU64(name: string): number {
    const bytes = new Uint8Array(8);
    this.#session.getVariable(name, bytes);
    return Number(new DataView(bytes.buffer).getBigUint64(0, true));
  }

  /** Reads a variable of the programs into a buffer of its size. */
  readVariable(name: string, into: Uint8Array): void {
    this.#session.getVariable(name, into);
  }

  /** The whole map, valid until it is read again. */
  read(map: string): MapImage {
    const info = this.#session.mapInfo(map);
    const stride = info.type.includes('percpu')
      ? Math.ceil(info.valueSize / 8) * 8 * possibleCpus()
      : info.valueSize;
    const room = info.maxEntries + 64;
    let image = this.#images.get(map);
    if (image === undefined) {
      image = { keys: new Uint8Array(room * info.keySize), values: new Uint8Array(room * stride) };
      this.#images.set(map, image);
    }
    const count = this.#session.lookupBatch(map, image.keys, image.values);
    return { count, ...image, keySize: info.keySize, stride };
  }

  lookup(map: string, key: Uint8Array, value: Uint8Array): boolean {
    return this.#session.lookup(map, key, value);
  }

  /** Takes a row of sums out, unless it was used since its cell of use was `seen`; then false. */
  takeRow(map: string, key: Uint8Array, seen: Uint8Array): boolean {
    return takeRow(this.#session, map, key, seen);
  }

  update(map: string, key: Uint8Array, value: Uint8Array): void {
    this.#session.update(map, key, value);
  }

  /** From now on it is looked for in `thread_layouts` who publishes: before, nobody pays for that. */
  readThreads(): void {
    this.#session.setVariable('thread_publishers', u32(1));
  }

  /** From now on records are made of all that is in `viewed` (bits of `enum viewed_record`), besides the agent's own. */
  askRecords(viewed: number): void {
    this.#session.setVariable('viewed_records', u32(viewed));
  }

  delete(map: string, key: Uint8Array): void {
    this.#session.delete(map, key);
  }

  /** Losses, misses and hits by probe and reason, summed over the CPUs. */
  losses(): LossTable {
    const { count, keys, values, stride } = this.read('lost');
    const table = new Array<number>(count).fill(0);
    const keyView = new DataView(keys.buffer);
    const view = new DataView(values.buffer);
    for (let row = 0; row < count; row += 1) {
      let sum = 0;
      for (let at = row * stride; at < (row + 1) * stride; at += 8)
        sum += Number(view.getBigUint64(at, true));
      table[keyView.getUint32(row * 4, true)] = sum;
    }
    return table;
  }

  /** Runs that the kernel skipped because a program would have interrupted itself, by probe. */
  recursionMisses(): readonly { readonly probe: string; readonly missed: number }[] {
    return this.plan.attached.map(({ program, probe }) => ({
      probe,
      missed: Number(this.#session.programStats(program).recursionMisses),
    }));
  }

  /** Runs and CPU time of each program; zero unless `enableBpfStats` of `native/` is open. */
  programRuns(): readonly { readonly probe: string; readonly runs: number; readonly seconds: number }[] {
    return this.plan.attached.map(({ program, probe }) => {
      const { runs, runTimeNs } = this.#session.programStats(program);
      return { probe, runs: Number(runs), seconds: Number(runTimeNs) / 1e9 };
    });
  }

  get ringBytes(): { readonly used: number; readonly size: number } {
    const { events } = this.#rings;
    return { used: events.unreadBytes(), size: events.size };
  }

  /** Entries a map holds at most. */
  limitOf(map: string): number {
    return this.#session.mapInfo(map).maxEntries;
  }

  /** After `detach`: what happened meanwhile is not known. */
  attach(): void {
    attachPrograms(this.#session, this.plan, this.#cgroupRoot);
  }

  /** No new events; what is in the ring and the maps can still be read. */
  detach(): void {
    for (const { program } of this.plan.attached) this.#session.detach(program);
  }

  /** Takes the programs out of the kernel. Idempotent. */
  close(): void {
    this.#session.close();
  }
}
