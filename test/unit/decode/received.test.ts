import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PROBE_ID } from '../../../receiver/decode/generated/layout.ts';
import { decoderTable } from '../../../receiver/decode/batch.ts';
import { connectionDecoder } from '../../../receiver/signals/connection/decode.ts';
import { listenerDecoder } from '../../../receiver/signals/listener/decode.ts';
import { retransmitDecoder } from '../../../receiver/signals/retransmit/decode.ts';
import { stateDecoder } from '../../../receiver/signals/state/decode.ts';
import { connection, listener, retransmit, stateChange } from '../../support/correlation.ts';

test('records are counted for the probe that made them', () => {
  const kinds = ['open', 'accept', 'fail', 'close', 'handshake'] as const;
  assert.deepEqual(
    kinds.map((kind) => connectionDecoder.probeOf(connection({ kind }))),
    [
      PROBE_ID.PROBE_STATE,
      PROBE_ID.PROBE_ACCEPT,
      PROBE_ID.PROBE_STATE,
      PROBE_ID.PROBE_STATE,
      PROBE_ID.PROBE_REQUEST,
    ],
  );
  assert.equal(retransmitDecoder.probeOf(retransmit()), PROBE_ID.PROBE_RETRANSMIT);
  assert.equal(retransmitDecoder.probeOf(retransmit({ type: 'syn_ack' })), PROBE_ID.PROBE_SYNACK);
  assert.equal(listenerDecoder.probeOf(listener()), PROBE_ID.PROBE_STATE);
  assert.equal(stateDecoder.probeOf(stateChange()), PROBE_ID.PROBE_STATE);
});

test('a kind of record has one decoder', () => {
  assert.throws(
    () => decoderTable([stateDecoder, { ...listenerDecoder, kind: stateDecoder.kind }]),
    /two decoders/,
  );
});
