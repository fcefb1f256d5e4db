import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Episode } from '../../../receiver/correlate/exchanges.ts';
import { LossEpisodes } from '../../../receiver/signals/loss-episodes.ts';
import type { RetransmitRecord } from '../../../receiver/model/record.ts';
import { request, retransmit, second } from '../../support/correlation.ts';

function subject(maxEpisodes = 100): {
  ended: Episode<RetransmitRecord>[];
  add: (cookie: bigint, timeNs: bigint, number?: number) => void;
  episodes: LossEpisodes<RetransmitRecord>;
} {
  const ended: Episode<RetransmitRecord>[] = [];
  const episodes = new LossEpisodes<RetransmitRecord>(maxEpisodes, (episode) => ended.push(episode));
  const add = (cookie: bigint, timeNs: bigint, number = 1): void => {
    const context = request(number);
    episodes.add(retransmit({ cookie, timeNs, context }), { ...context, confidence: 'exact' }, 1);
  };
  return { ended, add, episodes };
}

test('an episode ends after a second of quiet', () => {
  const { ended, add, episodes } = subject();
  add(1n, 0n);
  add(1n, second - 1n);
  episodes.expire(2n * second - 2n);
  assert.equal(ended.length, 0);
  episodes.expire(2n * second - 1n);
  assert.deepEqual(
    ended.map(({ first, lastNs, count }) => [first.timeNs, lastNs, count]),
    [[0n, second - 1n, 2]],
  );
});

test('a retransmission after a second of quiet begins another, even without a tick between', () => {
  const { ended, add, episodes } = subject();
  add(1n, 0n);
  add(1n, second);
  assert.equal(ended.length, 1);
  episodes.endAll();
  assert.deepEqual(
    ended.map(({ count }) => count),
    [1, 1],
  );
});

test('one more than the bound ends the quietest, and none is lost', () => {
  const { ended, add, episodes } = subject(3);
  add(1n, 0n);
  add(2n, 1n);
  add(3n, 2n);
  add(1n, 3n);
  add(4n, 4n);
  assert.deepEqual(
    ended.map(({ first }) => first.cookie),
    [2n],
  );
  assert.equal(episodes.cutShort, 1);
  episodes.endAll();
  assert.deepEqual(ended.map(({ first }) => first.cookie).sort(), [1n, 2n, 3n, 4n]);
  episodes.endAll();
  assert.equal(ended.length, 4, 'each comes out once');
});

test('a socket ends its own episodes only', () => {
  const { ended, add, episodes } = subject();
  add(1n, 0n, 1);
  add(1n, 0n, 2);
  add(2n, 0n, 1);
  episodes.endSocket(7, 1n);
  assert.deepEqual(
    ended.map(({ first }) => first.cookie),
    [1n, 1n],
  );
  episodes.endSocket(8, 2n);
  assert.equal(ended.length, 2, 'another namespace is another socket');
});

test('a request at the same sequence number 4 GiB later is another', () => {
  const { ended, episodes } = subject();
  for (const requestStartNs of [1n, 2n]) {
    const context = request(1, { requestStartNs });
    episodes.add(retransmit({ timeNs: second, context }), { ...context, confidence: 'exact' }, 1);
  }
  episodes.endAll();
  assert.equal(ended.length, 2);
});
