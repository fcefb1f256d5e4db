/** Where addresses lie in records and in rows of kernel maps; `test/unit/recording/mask.test.ts` knows when one is missing. */
import {
  CONNECTION_RECORD,
  DROP_RECORD,
  ENDPOINTS,
  EXCHANGE_RECORD,
  LATENCY_RECORD,
  LISTEN_END_KEY,
  LISTENER,
  LISTENER_KEY,
  LISTENER_RECORD,
  PACKET_RECORD,
  RECORD_KIND,
  RESET_KEY,
  RESET_RECORD,
  RETRANSMIT_RECORD,
  SAMPLE_KEY,
  SERIES_KEY,
  STATE_RECORD,
  UNOWNED_KEY,
  WAKEUP_RECORD,
  ZERO_WINDOW_RECORD,
} from '../decode/generated/layout.ts';

/** Offsets of addresses of 16 bytes, and of the byte that says of which family they are. */
export interface AddressPlaces {
  readonly addresses: readonly number[];
  readonly family: number;
}

/** The ends of a socket, which begin there. */
function endpointsAt(at: number): AddressPlaces {
  return { addresses: [at + ENDPOINTS.local, at + ENDPOINTS.peer], family: at + ENDPOINTS.family };
}

/** By `enum record_kind`. */
export const RECORD_PLACES: Readonly<Record<number, AddressPlaces>> = {
  [RECORD_KIND.RECORD_CONNECTION]: endpointsAt(CONNECTION_RECORD.endpoints),
  [RECORD_KIND.RECORD_STATE]: endpointsAt(STATE_RECORD.endpoints),
  [RECORD_KIND.RECORD_LISTENER]: endpointsAt(LISTENER_RECORD.endpoints),
  [RECORD_KIND.RECORD_RETRANSMIT]: endpointsAt(RETRANSMIT_RECORD.endpoints),
  [RECORD_KIND.RECORD_RESET]: endpointsAt(RESET_RECORD.endpoints),
  [RECORD_KIND.RECORD_LATENCY]: endpointsAt(LATENCY_RECORD.endpoints),
  [RECORD_KIND.RECORD_WAKEUP]: endpointsAt(WAKEUP_RECORD.endpoints),
  [RECORD_KIND.RECORD_ZERO_WINDOW]: endpointsAt(ZERO_WINDOW_RECORD.endpoints),
  [RECORD_KIND.RECORD_EXCHANGE]: endpointsAt(EXCHANGE_RECORD.endpoints),
  [RECORD_KIND.RECORD_DROP]: {
    addresses: [DROP_RECORD.source, DROP_RECORD.destination],
    family: DROP_RECORD.family,
  },
  [RECORD_KIND.RECORD_PACKET]: {
    addresses: [PACKET_RECORD.source, PACKET_RECORD.destination],
    family: PACKET_RECORD.family,
  },
};

/** In the keys of maps. */
export const KEY_PLACES: Readonly<Record<string, AddressPlaces>> = {
  series: { addresses: [SERIES_KEY.peer, SERIES_KEY.server], family: SERIES_KEY.family },
  receives: { addresses: [SERIES_KEY.peer, SERIES_KEY.server], family: SERIES_KEY.family },
  resets: { addresses: [RESET_KEY.peer, RESET_KEY.server], family: RESET_KEY.family },
  listeners: { addresses: [LISTENER_KEY.local], family: LISTENER_KEY.family },
  unowned_drops: { addresses: [UNOWNED_KEY.source, UNOWNED_KEY.destination], family: UNOWNED_KEY.family },
  samples: { addresses: [SAMPLE_KEY.local, SAMPLE_KEY.remote], family: SAMPLE_KEY.family },
  listen_ends: { addresses: [LISTEN_END_KEY.local], family: LISTEN_END_KEY.family },
};

/** In the values of maps: their families are in the keys. */
export const VALUE_PLACES: Readonly<Record<string, readonly number[]>> = { listeners: [LISTENER.local] };
