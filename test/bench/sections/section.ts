import type { PartName } from '../against/part.ts';

/** How long the soak goes on, and what it does. */
export interface SoakPlan {
  /** Established in all, those of the floods included. */
  readonly connections: number;
  /** The rounds are spread over this time, and none begins after it. */
  readonly minutes: number;
  readonly rounds: number;
  /** Between two lines of the table; everything else is sampled six times as often. */
  readonly everySeconds: number;
  /** `attributes.network.peer.address=on`: each peer is a series. */
  readonly isByPeer: boolean;
}

/** How much is measured: the whole, or a glance. */
export interface Scale {
  readonly isQuick: boolean;
  readonly soak: SoakPlan;
  /** Revision of this repository that the section `against` measures this working tree beside; `.`: a copy of the tree. */
  readonly against?: string;
  /** What that section measures. */
  readonly parts: readonly PartName[];
}

/** One part of the benchmark; it leaves nothing behind. */
export interface Section {
  readonly name: string;
  readonly what: string;
  /** Runs only when it is named. */
  readonly isOnRequest?: true;
  run(scale: Scale): Promise<void>;
}
