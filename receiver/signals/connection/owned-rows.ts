import { SERIES } from '../../decode/generated/layout.ts';
import type { KnownRow, OwnedRows, RowQuestion } from '../family.ts';
import type { ConnectionRow, ConnectionSums } from './sums.ts';

/**
 * Sockets outlive their process: unacknowledged data is sent again for up to 102 s
 * (tcp_orphan_retries() in net/ipv4/tcp_timer.c). So long a row waits for its closes.
 */
const LINGER_NS = 180_000_000_000;

/** How rows of `series` are taken out. */
export function connectionRows(connections: ConnectionSums): OwnedRows {
  return {
    size: SERIES.size,
    useAt: SERIES.touched_ns,
    isTimed: true,
    known: () => knownRows(connections),
    isHeld: (id, asked) => {
      const row = connections.rows.get(id);
      return row !== undefined && (isInUse(row, asked) || connections.isActive(row));
    },
    updateLast: (image) => connections.update(image, true),
    forget: (id) => connections.forget(id),
  };
}

function* knownRows({ rows }: ConnectionSums): Generator<KnownRow> {
  for (const [id, { key, owner, memory, isOverflow }] of rows)
    yield { id, key, owner, isOverflow, use: memory.seen(SERIES.touched_ns) };
}

function isInUse(row: ConnectionRow, { nowNs, quietNs, isEnded }: RowQuestion): boolean {
  const touchedNs = row.memory.seen(SERIES.touched_ns);
  // A program may still be adding to it.
  if (isEnded) return touchedNs > nowNs - quietNs || (touchedNs > nowNs - LINGER_NS && unclosed(row) > 0);
  return touchedNs >= nowNs - quietNs;
}

/** Connections of the row that were opened and not closed yet, by its own sums. */
function unclosed({ memory, isFailure }: ConnectionRow): number {
  if (isFailure) return 0;
  let open = memory.seen(SERIES.opened);
  for (let at: number = SERIES.closed; at < SERIES.retransmits; at += 8) open -= memory.seen(at);
  return open;
}
