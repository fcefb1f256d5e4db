import { METRIC_PACKET_DROPPED } from '../../../semconv/index.ts';
import type { RecordHandlers } from '../../model/record-handlers.ts';
import type { DropRecord } from '../../model/record.ts';
import type { ExemplarParts } from '../exemplars.ts';
import { dropAttributes } from './details.ts';

/** A drop is an exemplar of its reason's count. */
export function dropExemplars({ names, decisions, remember, offer }: ExemplarParts): RecordHandlers {
  const drop = (record: DropRecord): void => {
    const { context } = decisions.decide(record.context, record.timeNs);
    remember(record, context);
    const attributes = dropAttributes(names.dropReason(record.reason), record.family);
    offer(record, context, [{ metric: METRIC_PACKET_DROPPED, attributes, value: 1 }]);
  };
  return { drop };
}
