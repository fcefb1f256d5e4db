import {
  ATTR_NETWORK_IO_DIRECTION,
  ATTR_TCP_RESET_REASON,
  METRIC_TCP_RESETS,
} from '../../../semconv/index.ts';
import type { RareSeries } from '../../model/metric-sink.ts';
import type { ConnectionKind } from '../context.ts';

/** RSTs by direction; where reasons are told apart, there are too many. */
export function rareResets(
  { attributes }: ConnectionKind,
  optIn: ReadonlySet<string>,
): readonly RareSeries[] {
  if (optIn.has(ATTR_TCP_RESET_REASON)) return [];
  return ['receive', 'transmit'].map((direction) => [
    METRIC_TCP_RESETS,
    { ...attributes, [ATTR_NETWORK_IO_DIRECTION]: direction },
  ]);
}
