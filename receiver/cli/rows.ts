import type { ConnectionRow } from '../signals/connection/sums.ts';
import type { ListenerRow } from '../signals/listener/sums.ts';
import { LISTENER, SERIES, SERIES_LENGTH } from '../decode/generated/layout.ts';
import type { Owner } from '../model/resource.ts';
import { processId } from '../model/ids.ts';
import { NO_LOSSES, type ProcessLosses } from './process-losses.ts';
import type { TableRow } from './table.ts';

type Draft = { -readonly [K in keyof TableRow]: TableRow[K] } & {
  /** `processId` */
  owner: string;
  handshakes: number;
  handshakeNs: number;
  /** Listening sockets, connections that wait in their queues, and the room there. */
  listening: number;
  queued: number;
  limit: number;
};

/**
 * The live table's rows from the kernel's sums: one a process and peer (client) or local port. What a process
 * lost is known for all of it: it is on the first of its rows that has the most bytes.
 */
export function tableRows(
  connections: Iterable<ConnectionRow>,
  listeners: Iterable<ListenerRow>,
  pass: number,
  losses: ProcessLosses = NO_LOSSES,
): TableRow[] {
  const drafts = new Map<string, Draft>();
  for (const row of connections) {
    if (row.isOverflow) continue;
    addConnections(draftFor(drafts, row.owner, row.role ?? 'unknown', endpointOf(row)), row, pass);
  }
  for (const row of listeners) {
    if (row.isOverflow || row.memory.seen(LISTENER.pass) !== pass) continue;
    const draft = draftFor(drafts, row.owner, 'listener', `:${String(row.port)}`);
    draft.listening += row.memory.seen(LISTENER.count);
    draft.queued += row.memory.seen(LISTENER.usage);
    draft.limit += row.memory.seen(LISTENER.limit);
    draft.state = `LISTEN ${String(draft.listening)}, queue ${String(draft.queued)}/${String(draft.limit)}`;
  }
  addLosses(drafts.values(), losses);
  return [...drafts.values()].map(finish);
}

function addLosses(drafts: Iterable<Draft>, { drops, resets }: ProcessLosses): void {
  const bytes = (draft: Draft): number => draft.bytesSent + draft.bytesReceived;
  const busiest = new Map<string, Draft>();
  for (const draft of drafts) {
    const other = busiest.get(draft.owner);
    if (other === undefined || bytes(draft) > bytes(other)) busiest.set(draft.owner, draft);
  }
  for (const [owner, draft] of busiest) {
    draft.drops = drops.get(owner) ?? 0;
    draft.resets = resets.get(owner) ?? 0;
  }
}

function finish(draft: Draft): TableRow {
  const {
    owner: _,
    handshakes,
    handshakeNs,
    listening: _listening,
    queued: _queued,
    limit: _limit,
    ...row
  } = draft;
  return { ...row, ...(handshakes > 0 && { handshakeMs: handshakeNs / handshakes / 1e6 }) };
}

/** A client's peer, an IPv6 address in brackets; a port for the others. */
function endpointOf({ role, peerAddress = '', serverPort }: ConnectionRow): string {
  if (role !== 'client') return `:${String(serverPort)}`;
  return `${peerAddress.includes(':') ? `[${peerAddress}]` : peerAddress}:${String(serverPort)}`;
}

function draftFor(drafts: Map<string, Draft>, owner: Owner, role: TableRow['role'], endpoint: string): Draft {
  const id = `${processId(owner)} ${role} ${endpoint}`;
  let draft = drafts.get(id);
  if (draft === undefined) {
    draft = {
      owner: processId(owner),
      process: owner.executable === '' ? owner.command : owner.executable,
      pid: owner.pid,
      role,
      endpoint,
      active: 0,
      opened: 0,
      failed: 0,
      bytesSent: 0,
      bytesReceived: 0,
      retransmits: 0,
      drops: 0,
      resets: 0,
      state: '',
      handshakes: 0,
      handshakeNs: 0,
      listening: 0,
      queued: 0,
      limit: 0,
    };
    drafts.set(id, draft);
  }
  return draft;
}

function addConnections(draft: Draft, { memory, isFailure }: ConnectionRow, pass: number): void {
  const sum = (from: number, cells: number): number => {
    let total = 0;
    for (let i = 0; i < cells; i += 1) total += memory.seen(from + 8 * i);
    return total;
  };
  const active = memory.seen(SERIES.active_pass) === pass ? memory.seen(SERIES.active) : 0;
  if (isFailure) {
    draft.failed += memory.seen(SERIES.opened);
  } else {
    draft.opened += memory.seen(SERIES.opened);
    draft.handshakes += sum(SERIES.handshake, SERIES_LENGTH.handshake - 1);
    draft.handshakeNs += memory.seen(SERIES.handshake + 8 * (SERIES_LENGTH.handshake - 1));
  }
  draft.active += active;
  draft.bytesSent += memory.seen(SERIES.bytes_sent);
  draft.bytesReceived += memory.seen(SERIES.bytes_received);
  const told = sum(SERIES.retransmits, SERIES_LENGTH.retransmits);
  draft.retransmits += Math.max(memory.seen(SERIES.segments_retransmitted), told);
  if (active > 0) draft.state = `ESTABLISHED ${String(draft.active)}`;
}
