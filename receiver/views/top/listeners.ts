import type { ListenerFigures } from '../../model/listener-figures.ts';
import { HISTORY } from './history.ts';

/** A row of listening sockets, with how full its queue was in the last intervals. */
export interface TopListener extends ListenerFigures {
  /** Connections that waited, the oldest first. */
  readonly queues: readonly number[];
}

/** Listeners of the last interval. */
export class Listeners {
  #rows: ReadonlyMap<string, TopListener> = new Map();

  update(figures: readonly ListenerFigures[]): void {
    const before = this.#rows;
    this.#rows = new Map(
      figures.map((row) => {
        const queues = [...(before.get(row.id)?.queues ?? []), row.queued].slice(-HISTORY);
        return [row.id, { ...row, queues }];
      }),
    );
  }

  rows(): TopListener[] {
    return [...this.#rows.values()];
  }
}
