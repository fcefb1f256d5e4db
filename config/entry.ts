import type { ConfigProblem } from './errors.ts';

/** One value as a source gave it, not yet read. */
export interface Entry {
  readonly key: string;
  readonly value: unknown;
  /** Where it was given, e.g. `variable WIRESPAN_LOG_LEVEL`. */
  readonly where: string;
}

/** What one source gave: entries for known keys, in order, and what was wrong with the rest. */
export interface SourceResult {
  readonly entries: readonly Entry[];
  readonly problems: readonly ConfigProblem[];
}
