import { METRIC_TCP_RECEIVE_QUEUE_DURATION, METRIC_TCP_STATE_DURATION } from '../../semconv/index.ts';
import type { CollectContext } from '../signals/context.ts';
import { StateSums } from '../signals/host-sums.ts';
import { ReceiveWaits } from '../signals/receive/sums.ts';
import { RECEIVE_SUMS, STATE_SUMS } from '../decode/generated/layout.ts';
import { countersOf, type OwnedCounters } from './sweep.ts';

/** Sums of metrics that are off by default: their kernel maps are read only when they are on. */
export function optionalCounters(context: CollectContext): readonly OwnedCounters[] {
  const states = countersOf(
    'state_durations',
    { ...STATE_SUMS, useAt: STATE_SUMS.uses },
    new StateSums(context),
  );
  const receives = countersOf(
    'receives',
    { ...RECEIVE_SUMS, useAt: RECEIVE_SUMS.uses },
    new ReceiveWaits(context),
  );
  return [
    ...(context.isOn(METRIC_TCP_STATE_DURATION) ? [states] : []),
    ...(context.isOn(METRIC_TCP_RECEIVE_QUEUE_DURATION) ? [receives] : []),
  ];
}
