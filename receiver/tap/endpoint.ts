import type { Signal } from '../export/options.ts';

export const SIGNALS: readonly Signal[] = ['traces', 'metrics', 'logs'];

/** One transport that applications send their OTLP over. */
export interface TapEndpoint {
  readonly port: number;
  /** Connections that were closed at once, since there were too many. */
  refusedConnections(): number;
  /** Takes no more connections; those that are there go on. */
  stopAccepting(): void;
  close(): void;
}
