import { BoundedCache } from '../model/bounded-cache.ts';
import type { PacketPoint, PacketRecord } from '../model/packets.ts';

/** One packet, and all points where it was seen. */
export class Way {
  /** In their order; there is one at least. */
  readonly points: PacketRecord[];
  /** What its headers said where it was seen first; of a piece of a packet, where it was one first. */
  readonly head: PacketRecord;
  /** Kernel address of its buffer, where it was seen last. */
  packet: bigint;
  /** Both ends, as its headers say them now. */
  flow: string;
  /** It went on in pieces, which are shown in its place. */
  isSplit = false;
  /** Its buffer is gone: it may go on in others. */
  isLeft = false;
  isOver = false;

  constructor(head: PacketRecord, before: readonly PacketRecord[] = []) {
    this.head = head;
    this.points = [...before, head];
    this.packet = head.packet;
    this.flow = flowOf(head);
  }

  get last(): PacketRecord {
    return this.points.at(-1) ?? this.head;
  }

  has(point: PacketPoint): boolean {
    return this.points.some((each) => each.point === point);
  }

  /** It was at this point of this interface before: then it is no step of the same way. */
  wasAt({ point, interfaceIndex, netns }: PacketRecord): boolean {
    return this.points.some(
      (each) => each.point === point && each.interfaceIndex === interfaceIndex && each.netns === netns,
    );
  }
}

const TURN = 0x1_0000_0000;

/** How far the first sequence number is behind the second; negative: it is ahead. RFC 9293 section 3.4. */
function distance(from: number, to: number): number {
  return (to - from) | 0;
}

function endOf({ seq, payload }: PacketRecord): number {
  return (seq + payload) % TURN;
}

/** Whether all of the second's bytes are the first's too. */
function holds(whole: PacketRecord, part: PacketRecord): boolean {
  return distance(whole.seq, part.seq) >= 0 && distance(endOf(part), endOf(whole)) >= 0;
}

function flowOf(record: PacketRecord): string {
  const { sourceAddress, sourcePort, destinationAddress, destinationPort } = record;
  return `${sourceAddress} ${String(sourcePort)} ${destinationAddress} ${String(destinationPort)}`;
}

/** An address of a buffer says nothing of the packet that had it before. */
function isSame(way: Way, record: PacketRecord): boolean {
  const { head } = way;
  return head.ack === record.ack && (head.seq === record.seq || holds(record, head)) && isStep(way, record);
}

function isStep(way: Way, record: PacketRecord): boolean {
  if (record.point === 'lost' || record.point === 'freed') return true;
  return !way.has('tcp') && !way.wasAt(record);
}

/** Nothing came of it for so long: TCP frees much without a word, and what it does so with is shown as far as it was seen. */
const QUIET_NS = 2_000_000_000n;
/** A device that has sent it may have given it to a program of this host, which gives it back as a new one. */
const LEFT_NS = 1_000_000_000n;
/** How often it is looked for what is quiet. */
const LOOK_NS = 500_000_000n;

/**
 * Joins points to ways: by the same buffer or, where a device made the packet new, by flow and sequence number; in a
 * socket by how far it has come.
 */
export class Ways {
  /** Those that are not over; the one that was seen least recently makes room. */
  readonly #living: BoundedCache<Way, Way>;
  readonly #byPacket = new Map<bigint, Set<Way>>();
  /** Those that TCP has not taken yet. */
  readonly #byFlow = new Map<string, Set<Way>>();
  /** In the order of their coming, by the socket's cookie. */
  readonly #inSocket = new Map<bigint, Set<Way>>();
  readonly #reads: boolean;
  #over: Way[] = [];
  #lookedNs = 0n;

  /** `bound`: packets at one time, and those that are not over make room; `reads`: their ways go on until they are read. */
  constructor(bound: number, reads: boolean) {
    this.#reads = reads;
    this.#living = new BoundedCache(bound, (way) => this.#end(way));
  }

  /** Ways that had to make room before they were over. */
  get shortened(): number {
    return this.#living.evictions;
  }

  add(record: PacketRecord): void {
    if (record.point === 'ready' || record.point === 'read') {
      this.#progress(record);
      return;
    }
    const ways = this.#find(record);
    for (const way of ways) this.#step(way, record);
  }

  /** Those that are over since the last call. `nowNs`: CLOCK_MONOTONIC. */
  take(nowNs: bigint): readonly Way[] {
    if (nowNs - this.#lookedNs >= LOOK_NS) {
      this.#lookedNs = nowNs;
      for (const [way] of this.#living.entries())
        if (nowNs - way.last.timeNs >= (way.isLeft ? LEFT_NS : QUIET_NS) && !this.#waits(way)) this.#end(way);
    }
    const over = this.#over.filter(({ isSplit }) => !isSplit);
    this.#over = [];
    return over;
  }

  /** All that is left, as far as it was seen. */
  rest(): readonly Way[] {
    for (const [way] of this.#living.entries()) this.#end(way);
    return this.take(0n);
  }

  /** It lies in a queue, of a device or of a socket: that has its end. */
  #waits({ isSplit, isLeft, last: { point, payload } }: Way): boolean {
    if (isSplit) return false;
    if (point === 'queue') return !isLeft;
    return point === 'ready' || (point === 'tcp' && payload > 0);
  }

  /** The ways that the record is of; a new one when it is of none. */
  #find(record: PacketRecord): readonly Way[] {
    const known = [...(this.#byPacket.get(record.packet) ?? [])];
    const same = known.filter((way) => isSame(way, record));
    const isEnd = record.point === 'freed' || record.point === 'lost';
    if (same.length > 0 && (isEnd || same.some(({ head }) => head.payload >= record.payload))) return same;
    if (record.point === 'freed') return [];
    for (const way of known) if (!same.includes(way)) this.#leavePacket(way);
    const others = isEnd ? [] : [...(this.#byFlow.get(flowOf(record)) ?? [])];
    const going = others.filter((way) => isStep(way, record));
    const whole = going.find(({ head }) => head.payload > record.payload && holds(head, record));
    if (whole !== undefined && record.payload > 0 && same.length === 0) {
      whole.isSplit = true;
      return [this.#begin(new Way(record, whole.points))];
    }
    const parts = going.filter((way) => !way.isSplit && !same.includes(way) && isPart(way.head, record));
    const found = [...same, ...parts];
    return found.length > 0 ? found : [this.#begin(new Way(record))];
  }

  #begin(way: Way): Way {
    this.#living.set(way, way);
    join(this.#byPacket, way.packet, way);
    join(this.#byFlow, way.flow, way);
    return way;
  }

  #step(way: Way, record: PacketRecord): void {
    if (way.last.point === 'freed') way.points.pop();
    if (way.last !== record) way.points.push(record);
    way.isLeft = false;
    // The least recently seen one makes room.
    this.#living.get(way);
    this.#move(way, record);
    const { point } = record;
    if (point === 'lost') this.#end(way);
    else if (point === 'freed') this.#free(way);
    else if (point === 'tcp') this.#enter(way, record);
  }

  /** A buffer may become another's, and an address may be translated. */
  #move(way: Way, record: PacketRecord): void {
    const flow = flowOf(record);
    if (way.packet !== record.packet) {
      this.#leavePacket(way);
      way.packet = record.packet;
      join(this.#byPacket, record.packet, way);
    }
    if (way.flow !== flow) {
      leave(this.#byFlow, way.flow, way);
      way.flow = flow;
      join(this.#byFlow, flow, way);
    }
  }

  #free(way: Way): void {
    const before = way.points.at(-2)?.point;
    // What was received and freed was taken: not each state of a connection says so itself.
    if (before === 'receive' || before === 'backlog') {
      this.#end(way);
      return;
    }
    // TCP frees what was read; what was not sent yet goes on in pieces.
    if (before !== 'transmit') way.points.pop();
    way.isLeft = true;
    this.#leavePacket(way);
  }

  #enter(way: Way, record: PacketRecord): void {
    leave(this.#byFlow, way.flow, way);
    if (record.payload === 0 || !this.#reads) this.#end(way);
    else join(this.#inSocket, record.cookie, way);
  }

  #progress(record: PacketRecord): void {
    for (const way of this.#inSocket.get(record.cookie) ?? []) {
      if (distance(endOf(way.head), record.seq) < 0) continue;
      if (record.point === 'read') {
        way.points.push(record);
        this.#end(way);
      } else if (way.last.point === 'tcp') way.points.push(record);
    }
  }

  #leavePacket(way: Way): void {
    leave(this.#byPacket, way.packet, way);
  }

  #end(way: Way): void {
    if (way.isOver) return;
    way.isOver = true;
    this.#living.delete(way);
    this.#leavePacket(way);
    leave(this.#byFlow, way.flow, way);
    const cookie = way.points.find(({ point }) => point === 'tcp')?.cookie;
    if (cookie !== undefined) leave(this.#inSocket, cookie, way);
    this.#over.push(way);
  }
}

/** Packets without payload are told apart by what else they say. */
function isPart(head: PacketRecord, record: PacketRecord): boolean {
  if (head.payload > 0 || record.payload > 0) return head.payload > 0 && holds(record, head);
  return head.seq === record.seq && head.ack === record.ack && head.flags === record.flags;
}

function join<K>(index: Map<K, Set<Way>>, key: K, way: Way): void {
  const known = index.get(key);
  if (known === undefined) index.set(key, new Set([way]));
  else known.add(way);
}

function leave<K>(index: Map<K, Set<Way>>, key: K, way: Way): void {
  const known = index.get(key);
  if (known === undefined) return;
  known.delete(way);
  if (known.size === 0) index.delete(key);
}
