import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { readContextPayload } from '../../../receiver/host/context-payload.ts';
import { readProcessContext } from '../../../receiver/host/process-context.ts';
import { Cleanup } from '../../support/cleanup.ts';
import { contextPayload, ContextPublisher, type Publication } from '../../support/context-publisher.ts';

const NAMES = { 'service.name': 'named in code', 'service.instance.id': 'a', 'x.ü': 'ö'.repeat(99) };

describe('the context that a process publishes', () => {
  const cleanup = new Cleanup();
  after(() => cleanup.run());

  /** What is read of a process that published this. */
  async function read(...publications: Partial<Publication>[]): Promise<Record<string, string> | undefined> {
    const publisher = new ContextPublisher(cleanup);
    for (const one of publications) await publisher.publish({ payload: contextPayload(NAMES), ...one });
    const found = await readProcessContext('/proc', publisher.pid);
    await publisher.stop();
    return found && Object.fromEntries(found);
  }

  test('is read behind the header and elsewhere in memory of no file', async () => {
    assert.deepEqual(await read({}), NAMES);
    assert.deepEqual(await read({ place: 'elsewhere' }), NAMES);
    assert.equal(await read(), undefined, 'nothing is published');
  });

  const refused: Readonly<Record<string, Partial<Publication>>> = {
    'another name': { name: 'OTEL_CTX2' },
    'version 1': { version: 1 },
    'version 3': { version: 3 },
    'a payload that is being written': { time: 0 },
    'a payload that is cut': { cut: 1 },
    'a payload in a file': { place: 'file' },
    'a payload at an address without memory': { place: 'nowhere' },
    'a payload beyond 16 KiB': { payload: contextPayload(Object.fromEntries(many(170))) },
    'no protobuf': { payload: Buffer.from('ffffffffffffffffffffffffffffffff', 'hex') },
  };
  for (const [what, publication] of Object.entries(refused))
    test(`is refused: ${what}`, async () => assert.equal(await read(publication), undefined));

  test('has 128 attributes at most, all of them texts', async () => {
    const found = await read({ payload: contextPayload(Object.fromEntries(many(140))) });
    assert.equal(Object.keys(found ?? {}).length, 128);
    // KeyValue { key: "n", value: { int_value: 1 } }
    assert.deepEqual(readContextPayload(Buffer.from('0a090a070a016e12021801', 'hex')), new Map());
  });

  test('of a process that is gone is none', async () => {
    await assert.rejects(readProcessContext('/proc', 2 ** 22 + 1), { code: 'ENOENT' });
  });
});

function many(count: number): [string, string][] {
  return Array.from({ length: count }, (_, index) => [
    `key.${String(index).padStart(4, '0')}`,
    'v'.repeat(80),
  ]);
}
