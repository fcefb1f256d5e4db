import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PROBE_ID } from '../../../receiver/decode/generated/layout.ts';
import { probeOf } from '../../../receiver/decode/received.ts';
import { connection, listener, retransmit, stateChange } from '../correlate/fixture.ts';

test('records are counted for the probe that made them', () => {
  const kinds = ['open', 'accept', 'fail', 'close', 'handshake'] as const;
  assert.deepEqual(
    kinds.map((kind) => probeOf(connection({ kind }))),
    [
      PROBE_ID.PROBE_STATE,
      PROBE_ID.PROBE_ACCEPT,
      PROBE_ID.PROBE_STATE,
      PROBE_ID.PROBE_STATE,
      PROBE_ID.PROBE_REQUEST,
    ],
  );
  assert.equal(probeOf(retransmit()), PROBE_ID.PROBE_RETRANSMIT);
  assert.equal(probeOf(retransmit({ type: 'syn_ack' })), PROBE_ID.PROBE_SYNACK);
  assert.equal(probeOf(listener()), PROBE_ID.PROBE_STATE);
  assert.equal(probeOf(stateChange()), PROBE_ID.PROBE_STATE);
});
