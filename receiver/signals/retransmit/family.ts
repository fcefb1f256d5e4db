import type { Family } from '../family.ts';
import { retransmitDecoder } from './decode.ts';

/** Segments sent again. Their sums are in the rows of connections. */
export const retransmit: Family = { name: 'retransmit', records: [retransmitDecoder] };
