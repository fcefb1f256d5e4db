import type { OtlpTarget, Signal, SignalTarget } from './options.ts';
import { wayTo } from './proxy.ts';

/** The target of a signal, with the way to it from here. Throws an EndpointError for a proxy that cannot be used. */
export function signalTargetOf(signal: Signal, target: OtlpTarget): SignalTarget {
  const { proxy } = wayTo(target, process.env);
  const { origin } = new URL(target.endpoint);
  return { ...target, signal, origin, ...(proxy && { proxy }) };
}
