import type { Signal } from '../export/options.ts';
import type { Listening } from '../serve/listen.ts';

export const SIGNALS: readonly Signal[] = ['traces', 'metrics', 'logs'];

/** Who listens, for the sentence that says why it cannot. */
export function listeningAs(transport: 'grpc' | 'http'): Listening {
  return { who: 'The OTLP tap', setting: `correlation.otlp_tap.${transport}`, other: 'a collector' };
}

/** One transport that applications send their OTLP over. */
export interface TapEndpoint {
  readonly port: number;
  /** Connections that were closed at once, since there were too many. */
  refusedConnections(): number;
  /** Takes no more connections; those that are there go on. */
  stopAccepting(): void;
  close(): void;
}
