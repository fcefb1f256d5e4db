import { LISTENER } from '../../decode/generated/layout.ts';
import type { KnownRow, OwnedRows } from '../family.ts';
import type { ListenerSums } from './sums.ts';

/** How rows of `listeners` are taken out. */
export function listenerRows(listeners: ListenerSums): OwnedRows {
  return {
    size: LISTENER.size,
    useAt: LISTENER.uses,
    known: () => knownRows(listeners),
    isHeld: (id, { isEnded }) => {
      const row = listeners.rows.get(id);
      if (row === undefined) return false;
      // A server that went to the background: the child has what its parent opened.
      return listeners.isOpen(row) || (!isEnded && row.refused > 0);
    },
    forget: (id) => listeners.forget(id),
  };
}

function* knownRows({ rows }: ListenerSums): Generator<KnownRow> {
  for (const [id, { key, owner, memory, isOverflow }] of rows)
    yield { id, key, owner, isOverflow, use: memory.seen(LISTENER.uses) };
}
