import assert from 'node:assert/strict';
import { test } from 'node:test';
import { harness, request, retransmit, unixOffset } from '../../../support/correlation.ts';

test('the first retransmission begins the span when the time of the request is not known', () => {
  const { correlator, spans } = harness();
  const record = retransmit({ context: request(1, { requestStartNs: 0n }) });
  correlator.handle(record);
  correlator.flush();
  assert.deepEqual(
    spans.map(({ startUnixNs }) => startUnixNs),
    [record.timeNs + unixOffset],
  );
});
