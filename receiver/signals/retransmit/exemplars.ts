import { ATTR_TCP_RETRANSMIT_TYPE, METRIC_TCP_RETRANSMITS } from '../../../semconv/index.ts';
import type { RecordHandlers } from '../../model/record-handlers.ts';
import type { RetransmitRecord } from '../../model/record.ts';
import { attributesOfRecord } from '../connection/record-row.ts';
import type { ExemplarParts } from '../exemplars.ts';

/** A segment sent again is an exemplar of the count in its connection's row. */
export function retransmitExemplars(parts: ExemplarParts): RecordHandlers {
  const { decisions, remember, offer } = parts;
  const retransmit = (record: RetransmitRecord): void => {
    const { context } = decisions.decideRetransmit(record);
    remember(record, context);
    const { plain } = attributesOfRecord(record, parts);
    const attributes = { ...plain, [ATTR_TCP_RETRANSMIT_TYPE]: record.type };
    offer(record, context, [{ metric: METRIC_TCP_RETRANSMITS, attributes, value: record.segments }]);
  };
  return { retransmit };
}
