import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';

const CORPUS = join(import.meta.dirname, 'corpus');
const DEFAULT_SECONDS = 5;
/** Cuts, copies and overwritten places of one input. */
const MAX_CHANGES = 12;

/** How long each target runs, and from which seed; for a run by hand, and to see a failure again. */
export interface FuzzSettings {
  readonly seconds: number;
  readonly seed: number;
}

/** `WIRESPAN_TEST_FUZZ_SECONDS` for each target, and `WIRESPAN_TEST_FUZZ_SEED`. */
export function settingsOf(env: NodeJS.ProcessEnv): FuzzSettings {
  const seconds = Number(env['WIRESPAN_TEST_FUZZ_SECONDS'] ?? DEFAULT_SECONDS);
  const seed = Number(env['WIRESPAN_TEST_FUZZ_SEED'] ?? Date.now() & 0x7fffffff);
  assert.ok(
    seconds > 0 && Number.isSafeInteger(seed),
    'WIRESPAN_TEST_FUZZ_SECONDS or _SEED is no such number',
  );
  return { seconds, seed };
}

/** Inputs that each target begins with: the files of a folder below `corpus`, sorted by name. */
export function corpusOf(folder: string): Buffer[] {
  const names = readdirSync(join(CORPUS, folder)).sort();
  return names.map((name) => readFileSync(join(CORPUS, folder, name)));
}

/** One change of an input; places are parts of its length, so that every change fits every input. */
type Change =
  | { readonly kind: 'set'; readonly at: number; readonly bytes: Uint8Array }
  | { readonly kind: 'insert'; readonly at: number; readonly bytes: Uint8Array }
  | { readonly kind: 'cut'; readonly at: number; readonly length: number }
  | { readonly kind: 'copy'; readonly at: number; readonly to: number; readonly length: number }
  | { readonly kind: 'splice'; readonly at: number; readonly other: number };

const EDGES = [0, 1, 127, 128, 255, 32_767, 65_535, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1];

/** Four bytes at the edge of some number's range, the lowest first. */
const edge = fc.constantFrom(...EDGES).map((value) => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return new Uint8Array(bytes);
});

function changeOf(tokens: readonly string[]): fc.Arbitrary<Change> {
  const at = fc.double({ min: 0, max: 1, noNaN: true });
  const length = fc.nat(64);
  const words = tokens.length === 0 ? ['\0'] : tokens;
  const token = fc.constantFrom(...words).map((text) => new Uint8Array(Buffer.from(text)));
  const bytes = fc.oneof(fc.uint8Array({ minLength: 1, maxLength: 8 }), edge, token);
  return fc.oneof(
    fc.record({ kind: fc.constant('set' as const), at, bytes }),
    fc.record({ kind: fc.constant('insert' as const), at, bytes }),
    fc.record({ kind: fc.constant('cut' as const), at, length }),
    fc.record({ kind: fc.constant('copy' as const), at, to: at, length }),
    fc.record({ kind: fc.constant('splice' as const), at, other: fc.nat(1_000) }),
  );
}

function changed(input: Buffer, change: Change, corpus: readonly Buffer[]): Buffer {
  const at = Math.floor(change.at * input.length);
  const before = input.subarray(0, at);
  if (change.kind === 'set')
    return Buffer.concat([before, change.bytes, input.subarray(at + change.bytes.length)]);
  if (change.kind === 'insert') return Buffer.concat([before, change.bytes, input.subarray(at)]);
  if (change.kind === 'cut') return Buffer.concat([before, input.subarray(at + change.length)]);
  if (change.kind === 'splice') {
    const other = corpus[change.other % corpus.length] ?? Buffer.alloc(0);
    return Buffer.concat([before, other.subarray(Math.floor(change.at * other.length))]);
  }
  const to = Math.floor(change.to * input.length);
  const copy = input.subarray(at, at + change.length);
  return Buffer.concat([input.subarray(0, to), copy, input.subarray(to)]);
}

/** Inputs of the corpus with some changes each. `tokens`: words that mean something to the target. */
export function inputsOf(corpus: readonly Buffer[], tokens: readonly string[] = []): fc.Arbitrary<Buffer> {
  assert.ok(corpus.length > 0, 'the corpus is empty');
  const changes = fc.array(changeOf(tokens), { maxLength: MAX_CHANGES, size: 'max' });
  return fc
    .tuple(fc.nat(corpus.length - 1), changes)
    .map(([first, list]) =>
      list.reduce<Buffer>(
        (input, change) => changed(input, change, corpus),
        Buffer.from(corpus[first] ?? []),
      ),
    );
}

/**
 * Gives inputs to `check` until the time is over; returns how many. An input that `check` throws for is made smaller and
 * told with the seed that finds it again.
 */
export async function fuzz(
  inputs: fc.Arbitrary<Buffer>,
  check: (input: Buffer) => void | Promise<void>,
  { seconds, seed }: FuzzSettings = settingsOf(process.env),
): Promise<number> {
  const property = fc.asyncProperty(inputs, async (input) => {
    await check(input);
  });
  const found = await fc.check(property, {
    seed,
    numRuns: Number.MAX_SAFE_INTEGER,
    interruptAfterTimeLimit: seconds * 1000,
    markInterruptAsFailure: false,
  });
  const { counterexample, errorInstance, numRuns } = found;
  if (counterexample === null) return numRuns;
  const cause = errorInstance instanceof Error ? (errorInstance.stack ?? errorInstance.message) : '';
  assert.fail(
    `after ${String(numRuns)} inputs, ${counterexample[0].toString('base64')} (base64): ${cause}\n` +
      `again: WIRESPAN_TEST_FUZZ_SEED=${String(seed)} npm test -- fuzz`,
  );
}
