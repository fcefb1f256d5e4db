import type { Attributes } from '@opentelemetry/api';
import {
  ATTR_TCP_SYN_QUEUE_ACTION,
  METRIC_TCP_ACCEPT_QUEUE_OVERFLOWS,
  METRIC_TCP_SYN_QUEUE_OVERFLOWS,
  TCP_SYN_QUEUE_ACTION_VALUE_COOKIE,
  TCP_SYN_QUEUE_ACTION_VALUE_DROP,
} from '../../../semconv/index.ts';
import type { RareSeries } from '../../model/metric-sink.ts';
import type { SumsContext } from '../context.ts';

/** Overflows of a listener's queues. */
export function rareOverflows(
  { attributes }: { readonly attributes: Attributes },
  { isOn }: Pick<SumsContext, 'isOn'>,
): readonly RareSeries[] {
  const ofSyns = [TCP_SYN_QUEUE_ACTION_VALUE_COOKIE, TCP_SYN_QUEUE_ACTION_VALUE_DROP].map(
    (action): RareSeries => [
      METRIC_TCP_SYN_QUEUE_OVERFLOWS,
      { ...attributes, [ATTR_TCP_SYN_QUEUE_ACTION]: action },
    ],
  );
  const all: readonly RareSeries[] = [[METRIC_TCP_ACCEPT_QUEUE_OVERFLOWS, attributes], ...ofSyns];
  return all.filter(([metric]) => isOn(metric));
}
