import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ConnectionRecord } from '../../../../receiver/model/record.ts';
import { connection, harness, second } from '../../../support/correlation.ts';

test('of connections so many have a span, always the same, and the failed and slow ones always', () => {
  const quick = { handshakeStartNs: 91n * second - 1_000n };
  const chosen = (ratio: number, more: Partial<ConnectionRecord> = {}): Set<unknown> => {
    const subject = harness({
      spans: { 'wirespan.tcp.connection': 'always' },
      connectionSampling: { ratio, slowSeconds: 0.5 },
    });
    for (let cookie = 1n; cookie <= 1_000n; cookie += 1n)
      subject.correlator.handle(connection({ ...quick, ...more, cookie }));
    return new Set(subject.spans.map(({ attributes }) => attributes['wirespan.tcp.connection.id']));
  };
  const [none, some, more, all] = [0, 0.1, 0.4, 1].map((ratio) => chosen(ratio));
  assert.deepEqual([none?.size, all?.size], [0, 1_000]);
  assert.ok(some && more && some.size > 50 && some.size < 150 && more.size > 330 && more.size < 470);
  assert.deepEqual(chosen(0.1), some);
  assert.ok([...some].every((id) => more.has(id)));
  assert.equal(chosen(0, { error: 'connection_reset' }).size, 1_000);
  assert.equal(chosen(0, { rttSmoothedUs: 500_000 }).size, 1_000);
  assert.equal(chosen(0, { handshakeStartNs: 90n * second }).size, 1_000);
  assert.equal(
    chosen(0, { handshakeStartNs: connection().establishedNs }).size,
    0,
    'not known when it began',
  );
});
