/** How much is measured: the whole, or a glance. */
export interface Scale {
  readonly isQuick: boolean;
}

/** One part of the benchmark; it leaves nothing behind. */
export interface Section {
  readonly name: string;
  readonly what: string;
  run(scale: Scale): Promise<void>;
}
