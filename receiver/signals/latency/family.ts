import type { Family } from '../family.ts';
import { latencyDecoder } from './decode.ts';
import { latencyEvents } from './events.ts';

/** Latencies above their threshold, from the programs of other families. */
export const latency: Family = { name: 'latency', records: [latencyDecoder], events: latencyEvents };
