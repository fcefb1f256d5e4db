import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HpackDecoder, HpackError } from '../../receiver/correlate/hpack.ts';
import { valueOf } from '../support/traceparent.ts';
import { fuzz, inputsOf } from './fuzz.ts';

const MAX_TABLE = 4_096;

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');
const value = valueOf({ traceId: 'a1'.repeat(16), spanId: 'b2'.repeat(8), flags: 1 });
const corpus = [
  hex('828684410f7777772e6578616d706c652e636f6d'),
  hex('828684be58086e6f2d6361636865'),
  hex('8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf'),
  hex('3fe101 4882 6402 5885 aec3 771a 4b'),
  Buffer.from(`\x82\x40\x0btraceparent\x37${value}\xbe\x00\x0btraceparent\x37${value}`, 'latin1'),
];

/** What a decoder that is asked for this field makes of the block, twice: how it ends, and its table. */
function outcome(
  name: string,
  block: Uint8Array,
): { values: string[]; isRefused: boolean; tableBytes: number } {
  const decoder = new HpackDecoder(name, MAX_TABLE);
  const values: string[] = [];
  let isRefused = false;
  try {
    for (const each of [block, block]) values.push(...decoder.decode(each));
  } catch (error) {
    if (!(error instanceof HpackError)) throw error;
    isRefused = true;
  }
  return { values, isRefused, tableBytes: decoder.tableBytes };
}

test('header blocks: what is kept of fields changes nothing of the table, which has its bound', async (t) => {
  const counts = { refused: 0, found: 0 };
  const count = await fuzz(inputsOf(corpus, ['traceparent', '\x7f', '\x40']), (input) => {
    const [one, other] = [outcome('traceparent', input), outcome(':path', input)];
    assert.deepEqual([one.isRefused, one.tableBytes], [other.isRefused, other.tableBytes]);
    assert.ok(one.tableBytes >= 0 && one.tableBytes <= MAX_TABLE, String(one.tableBytes));
    if (one.isRefused) counts.refused += 1;
    if (one.values.length > 0) counts.found += 1;
  });
  t.diagnostic(
    `${String(count)} inputs, ${String(counts.refused)} refused, ${String(counts.found)} with the field`,
  );
  assert.ok(count > 100 && counts.refused > 0 && counts.found > 0 && counts.refused < count);
});
