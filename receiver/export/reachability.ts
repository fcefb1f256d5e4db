import type { AttemptListener } from './attempt-journal.ts';
import type { Signal } from './options.ts';

/** Told once when a collector stops taking data, and once when it takes data again. */
export type StateListener = (state: 'unreachable' | 'reachable', endpoint: string, cause: string) => void;

/** Whether the collector at each endpoint takes data; several signals may share an endpoint. */
export interface Reachability {
  failed(endpoint: string, signal: Signal, cause: string): void;
  succeeded(endpoint: string, signal: Signal): void;
}

/** An endpoint is unreachable from the first failing signal until no signal fails any more. */
export function createReachability(
  onState: StateListener,
  onAttempt: AttemptListener = () => undefined,
): Reachability {
  const failing = new Map<string, Set<string>>();
  return {
    failed(endpoint, signal, cause) {
      onAttempt(signal, cause);
      const signals = failing.get(endpoint);
      if (signals !== undefined) {
        signals.add(signal);
        return;
      }
      failing.set(endpoint, new Set([signal]));
      onState('unreachable', endpoint, cause);
    },
    succeeded(endpoint, signal) {
      onAttempt(signal);
      const signals = failing.get(endpoint);
      if (signals?.delete(signal) !== true || signals.size > 0) return;
      failing.delete(endpoint);
      onState('reachable', endpoint, '');
    },
  };
}
