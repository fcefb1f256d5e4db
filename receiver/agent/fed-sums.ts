import type { OwnerTable } from '../decode/owners.ts';
import type { GainAnswer } from '../feed/gains.ts';
import { ASKED } from '../feed/protocol.ts';
import type { ListenerFigures } from '../model/listener-figures.ts';
import type { KernelRecord } from '../model/record.ts';
import type { Player } from '../recording/player.ts';
import { listenerFigures } from '../signals/listener/figures.ts';
import type { Gain, ViewSumsNeeds } from '../views/view.ts';
import type { IntervalSums } from './view-sums.ts';

/** What an agent tells of sums, an interval at a time. */
export class FedSums {
  readonly #needs: ViewSumsNeeds;
  readonly #player: Player;
  readonly #owners: OwnerTable;
  #done = 0;

  constructor(needs: ViewSumsNeeds, player: Player, owners: OwnerTable) {
    this.#needs = needs;
    this.#player = player;
    this.#owners = owners;
  }

  /** As many intervals were shown as are wanted. */
  get isOver(): boolean {
    return this.#done === this.#needs.intervals;
  }

  /** What the interval gained that the player's step ended. */
  next(): IntervalSums {
    this.#done += 1;
    const answers = this.#player.ask<readonly GainAnswer[]>(ASKED.gains) ?? [];
    const gains = answers.flatMap(({ metric: name, attributes, value }): Gain[] => {
      const metric = this.#needs.metrics.find((each) => each.name === name);
      return metric === undefined ? [] : [{ metric, attributes, value }];
    });
    return { gains, histograms: [], listeners: this.#listeners() };
  }

  #listeners(): ListenerFigures[] {
    if (this.#needs.listeners !== true) return [];
    const pass = this.#player.ask<number>(ASKED.pass) ?? 0;
    return listenerFigures(this.#player.rows('listeners'), pass, (view, at) => this.#owners.find(view, at));
  }
}

/** A connection that is older than the view is one that was there before, to a view that began at `sinceNs`. */
export function asOfNow(record: KernelRecord, sinceNs: bigint): KernelRecord {
  if (record.kind !== 'live' && record.kind !== 'close') return record;
  return record.establishedNs < sinceNs ? { ...record, preexisting: true } : record;
}
