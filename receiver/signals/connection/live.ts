import { SERIES, SERIES_LENGTH } from '../../decode/generated/layout.ts';
import type { LiveDraft, LiveTable } from '../live-table.ts';
import type { ConnectionRow } from './sums.ts';

/** Adds connections to the live table. */
export function showConnections(table: LiveTable, rows: Iterable<ConnectionRow>): void {
  for (const row of rows) {
    if (row.isOverflow) continue;
    addConnections(table.row(row.owner, row.role ?? 'unknown', endpointOf(row)), row, table.pass);
  }
}

/** A client's peer, an IPv6 address in brackets; a port for the others. */
function endpointOf({ role, peerAddress = '', serverPort }: ConnectionRow): string {
  if (role !== 'client') return `:${String(serverPort)}`;
  return `${peerAddress.includes(':') ? `[${peerAddress}]` : peerAddress}:${String(serverPort)}`;
}

function addConnections(draft: LiveDraft, { memory, isFailure }: ConnectionRow, pass: number): void {
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
  draft.rtts += sum(SERIES.rtt, SERIES_LENGTH.rtt - 1);
  draft.rttNs += memory.seen(SERIES.rtt + 8 * (SERIES_LENGTH.rtt - 1));
  draft.active += active;
  draft.bytesSent += memory.seen(SERIES.bytes_sent);
  draft.bytesReceived += memory.seen(SERIES.bytes_received);
  const told = sum(SERIES.retransmits, SERIES_LENGTH.retransmits);
  draft.retransmits += Math.max(memory.seen(SERIES.segments_retransmitted), told);
  if (active > 0) draft.state = `ESTABLISHED ${String(draft.active)}`;
}
