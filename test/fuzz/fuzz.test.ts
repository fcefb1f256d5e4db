import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fuzz, inputsOf, settingsOf } from './fuzz.ts';

const corpus = [Buffer.from('first of all'), Buffer.from('and second')];

test('an input that breaks its target is found, made small, and told with its seed', async () => {
  const check = (input: Buffer): void => assert.ok(!input.includes('!'), 'there is a mark');
  const failure = await fuzz(inputsOf(corpus, ['!']), check, { seconds: 20, seed: 7 }).catch(
    (error: unknown) => String(error),
  );
  assert.match(String(failure), /there is a mark/);
  assert.match(String(failure), /WIRESPAN_TEST_FUZZ_SEED=7 npm test -- fuzz/);
  const [, told = ''] = /([A-Za-z0-9+/=]+) \(base64\)/.exec(String(failure)) ?? [];
  const input = Buffer.from(told, 'base64').toString();
  assert.ok(input.includes('!') && input.length <= 14, input);
});

test('one seed gives the same inputs again', async () => {
  const first: string[] = [];
  const again: string[] = [];
  for (const seen of [first, again])
    await fuzz(inputsOf(corpus), (input) => void seen.push(input.toString('hex')), { seconds: 0.2, seed: 5 });
  const length = Math.min(first.length, again.length);
  assert.ok(length > 10, `only ${String(length)} inputs`);
  assert.deepEqual(first.slice(0, length), again.slice(0, length));
  assert.ok(new Set(first).size > 10);
});

test('seed and time come from the environment', () => {
  const env = { WIRESPAN_TEST_FUZZ_SECONDS: '3600', WIRESPAN_TEST_FUZZ_SEED: '42' };
  assert.deepEqual(settingsOf(env), { seconds: 3600, seed: 42 });
  assert.throws(() => settingsOf({ WIRESPAN_TEST_FUZZ_SEED: 'x' }));
});
