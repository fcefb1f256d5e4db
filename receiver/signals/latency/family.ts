import type { Family } from '../family.ts';
import { latencyDecoder } from './decode.ts';

/** Latencies above their threshold, from the programs of other families. */
export const latency: Family = { name: 'latency', records: [latencyDecoder] };
