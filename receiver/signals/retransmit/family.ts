import type { Family } from '../family.ts';
import { retransmitDecoder } from './decode.ts';
import { RetransmitEvents } from './events.ts';
import { retransmitExemplars } from './exemplars.ts';

/** Segments sent again. Their sums are in the rows of connections. */
export const retransmit: Family = {
  name: 'retransmit',
  records: [retransmitDecoder],
  events: (parts) => new RetransmitEvents(parts),
  exemplars: retransmitExemplars,
};
