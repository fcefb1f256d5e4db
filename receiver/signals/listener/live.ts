import { LISTENER } from '../../decode/generated/layout.ts';
import type { LiveTable } from '../live-table.ts';
import type { ListenerRow } from './sums.ts';

/** Adds the listeners of the last pass to the live table. */
export function showListeners(table: LiveTable, rows: Iterable<ListenerRow>): void {
  for (const row of rows) {
    if (row.isOverflow || row.memory.seen(LISTENER.pass) !== table.pass) continue;
    const draft = table.row(row.owner, 'listener', `:${String(row.port)}`);
    draft.listening += row.memory.seen(LISTENER.count);
    draft.queued += row.memory.seen(LISTENER.usage);
    draft.queueLimit += row.memory.seen(LISTENER.limit);
    draft.state = `LISTEN ${String(draft.listening)}, queue ${String(draft.queued)}/${String(draft.queueLimit)}`;
  }
}
