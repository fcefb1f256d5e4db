import { processId } from '../model/ids.ts';
import { rowsOf, type MapImage } from '../model/map-image.ts';
import type { Owner } from '../model/resource.ts';
import { Cells } from './context.ts';

/** One line of the live view: what a process does with a peer or on a local port. Counts are since the start. */
export interface LiveRow {
  readonly process: string;
  /** `service.name` of its resource. */
  readonly service: string;
  readonly pid: number;
  readonly role: 'client' | 'server' | 'listener' | 'unknown';
  /** Peer for a client, local port for a server and a listener. */
  readonly endpoint: string;
  readonly active: number;
  readonly opened: number;
  readonly failed: number;
  readonly handshakes: number;
  /** Average; absent when no handshake was seen. */
  readonly handshakeMs?: number;
  /** Samples of the smoothed round-trip time. */
  readonly rtts: number;
  /** Average; absent without a sample. */
  readonly rttMs?: number;
  readonly bytesSent: number;
  readonly bytesReceived: number;
  readonly retransmits: number;
  /** Dropped packets and RSTs of the whole process, on one of its rows; 0 on the others. */
  readonly drops: number;
  readonly resets: number;
  /** Listening sockets, connections that wait in their queues, and the room there. */
  readonly listening: number;
  readonly queued: number;
  readonly queueLimit: number;
  /** States with their counts, e.g. `ESTABLISHED 3, TIME_WAIT 1`. */
  readonly state: string;
}

/** A row that is being summed. */
export type LiveDraft = { -readonly [K in keyof LiveRow]: LiveRow[K] } & {
  /** `processId` */
  readonly owner: string;
  handshakeNs: number;
  rttNs: number;
};

/**
 * The live table of the kernel's sums: one row a process and peer (client) or local port. What a process
 * lost is known for all of it: it is on the first of its rows that has the most bytes.
 */
export class LiveTable {
  /** The last pass: what an earlier one wrote is no longer true. */
  readonly pass: number;
  readonly #serviceOf: (owner: Owner) => string;
  readonly #drafts = new Map<string, LiveDraft>();
  readonly #losses = { drops: new Map<string, number>(), resets: new Map<string, number>() };

  constructor(pass: number, serviceOf: (owner: Owner) => string) {
    this.pass = pass;
    this.#serviceOf = serviceOf;
  }

  /** The row to add to. */
  row(owner: Owner, role: LiveRow['role'], endpoint: string): LiveDraft {
    const id = `${processId(owner)} ${role} ${endpoint}`;
    let draft = this.#drafts.get(id);
    if (draft === undefined) {
      draft = { ...createDraft(owner, role, endpoint), service: this.#serviceOf(owner) };
      this.#drafts.set(id, draft);
    }
    return draft;
  }

  /** Adds the counts of a map whose keys have their owner at `ownerOffset`; those of nobody are left out. */
  addLosses(
    kind: 'drops' | 'resets',
    image: MapImage,
    ownerOffset: number,
    ownerAt: (view: DataView, offset: number) => Owner,
  ): void {
    const sums = this.#losses[kind];
    const cells = new Cells(image.values);
    for (const { keys, keyAt, valueAt } of rowsOf(image)) {
      const owner = ownerAt(keys, keyAt + ownerOffset);
      if (owner.pid === 0) continue;
      const id = processId(owner);
      sums.set(id, (sums.get(id) ?? 0) + cells.moveTo(valueAt).at(0));
    }
  }

  /** Connections first, then listeners. */
  rows(): LiveRow[] {
    const isListener = ({ role }: LiveDraft): number => Number(role === 'listener');
    const drafts = [...this.#drafts.values()].sort((a, b) => isListener(a) - isListener(b));
    this.#placeLosses(drafts);
    return drafts.map(finish);
  }

  #placeLosses(drafts: readonly LiveDraft[]): void {
    const bytes = (draft: LiveDraft): number => draft.bytesSent + draft.bytesReceived;
    const busiest = new Map<string, LiveDraft>();
    for (const draft of drafts) {
      const other = busiest.get(draft.owner);
      if (other === undefined || bytes(draft) > bytes(other)) busiest.set(draft.owner, draft);
    }
    for (const [owner, draft] of busiest) {
      draft.drops = this.#losses.drops.get(owner) ?? 0;
      draft.resets = this.#losses.resets.get(owner) ?? 0;
    }
  }
}

function createDraft(owner: Owner, role: LiveRow['role'], endpoint: string): Omit<LiveDraft, 'service'> {
  return {
    owner: processId(owner),
    process: owner.executable === '' ? owner.command : owner.executable,
    pid: owner.pid,
    role,
    endpoint,
    active: 0,
    opened: 0,
    failed: 0,
    handshakes: 0,
    handshakeNs: 0,
    rtts: 0,
    rttNs: 0,
    bytesSent: 0,
    bytesReceived: 0,
    retransmits: 0,
    drops: 0,
    resets: 0,
    listening: 0,
    queued: 0,
    queueLimit: 0,
    state: '',
  };
}

function finish({ owner: _, handshakeNs, rttNs, ...row }: LiveDraft): LiveRow {
  return {
    ...row,
    ...(row.handshakes > 0 && { handshakeMs: handshakeNs / row.handshakes / 1e6 }),
    ...(row.rtts > 0 && { rttMs: rttNs / row.rtts / 1e6 }),
  };
}
