import type { Signal } from './options.ts';

/** Told of items that the collector refused for good. May come often: thin it out before logging. */
export type RejectionListener = (signal: Signal, items: number, cause: string) => void;
