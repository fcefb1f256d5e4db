import {
  ATTR_ERROR_TYPE,
  ATTR_NETWORK_CONNECTION_STATE,
  ATTR_NETWORK_PEER_ADDRESS,
  ATTR_SERVER_ADDRESS,
  METRIC_TCP_CONNECTION_OPENED,
} from '../../../semconv/index.ts';
import { SERIES_KEY } from '../../decode/generated/layout.ts';
import type { RareSeries } from '../../model/metric-sink.ts';
import type { ConnectionKind } from '../context.ts';
import type { ConnectionKey } from './key.ts';

/** How attempts to connect fail that nobody broke off. */
const FAILURES = ['connection_refused', 'host_unreachable', 'timed_out'];
/** Who has one of these has as many series as there are peers or states: none is asked for before it counts. */
const UNBOUNDED = [ATTR_NETWORK_PEER_ADDRESS, ATTR_SERVER_ADDRESS, ATTR_NETWORK_CONNECTION_STATE];

/** What is looked at of a row; `key`: its bytes. */
interface Row extends Pick<ConnectionKey, 'role' | 'isFailure' | 'isOverflow' | 'attributes'> {
  readonly key: Uint8Array;
}

/** What the row's connections have in common; undefined where no counter of theirs is there at zero. */
export function kindOf({ role, isFailure, isOverflow, attributes, key }: Row): ConnectionKind | undefined {
  const { plain, withType } = attributes;
  if (role === undefined || isFailure || isOverflow) return undefined;
  if (UNBOUNDED.some((name) => name in plain)) return undefined;
  return { role, family: key[SERIES_KEY.family] === 6 ? 6 : 4, attributes: plain, withType };
}

/** Failed attempts. */
export function rareFailures({ role, withType }: ConnectionKind): readonly RareSeries[] {
  if (role !== 'client') return [];
  return FAILURES.map((error) => [METRIC_TCP_CONNECTION_OPENED, { ...withType, [ATTR_ERROR_TYPE]: error }]);
}
