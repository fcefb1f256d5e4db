import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { readContextPayload } from '../../../receiver/host/context-payload.ts';
import { readProcessContext, type ContextLook } from '../../../receiver/host/process-context.ts';
import { Cleanup } from '../../support/cleanup.ts';
import { contextPayload, ContextPublisher, type Publication } from '../../support/context-publisher.ts';
import { PausedPublication } from './paused-publication.ts';

const NAMES = { 'service.name': 'named in code', 'service.instance.id': 'a', 'x.ü': 'ö'.repeat(99) };

describe('the context that a process publishes', () => {
  const cleanup = new Cleanup();
  after(() => cleanup.run());

  /** What is read of a process that published this. */
  async function read(...publications: Partial<Publication>[]): Promise<unknown> {
    const publisher = new ContextPublisher(cleanup);
    for (const one of publications) await publisher.publish({ payload: contextPayload(NAMES), ...one });
    const found = await readProcessContext('/proc', publisher.pid);
    await publisher.stop();
    return typeof found === 'string' ? found : Object.fromEntries(found.context);
  }

  test('is read behind the header and elsewhere in memory of no file', async () => {
    assert.deepEqual(await read({}), NAMES);
    assert.deepEqual(await read({ place: 'elsewhere' }), NAMES);
    assert.equal(await read(), 'none');
  });

  const refused: readonly [string, Partial<Publication>, ContextLook][] = [
    ['another name', { name: 'OTEL_CTX2' }, 'none'],
    ['version 1', { version: 1 }, 'none'],
    ['version 3', { version: 3 }, 'none'],
    ['a payload that is being written', { time: 0 }, 'changing'],
    ['a payload that is cut', { cut: 1 }, 'none'],
    ['a payload in a file', { place: 'file' }, 'none'],
    ['a payload at an address without memory', { place: 'nowhere' }, 'none'],
    ['a payload beyond 16 KiB', { payload: contextPayload(Object.fromEntries(many(170))) }, 'long'],
    ['no protobuf', { payload: Buffer.from('ffffffffffffffffffffffffffffffff', 'hex') }, 'none'],
  ];
  for (const [what, publication, look] of refused)
    test(`is refused: ${what}`, async () => assert.equal(await read(publication), look));

  test('is the first that is whole of at most four', async () => {
    const broken = { version: 1 };
    assert.deepEqual(await read({}, broken, broken, broken), NAMES);
    assert.deepEqual(await read(broken, broken, broken, {}), NAMES);
  });

  test('is read again when its header is another by then', async () => {
    const publisher = new ContextPublisher(cleanup);
    await publisher.publish({ payload: contextPayload(NAMES) });
    const first = await readProcessContext('/proc', publisher.pid);
    assert.ok(typeof first !== 'string');
    assert.equal(await readProcessContext('/proc', publisher.pid, first), 'same');
    await publisher.publish({ payload: contextPayload({ a: 'b' }), time: 2, again: true });
    const second = await readProcessContext('/proc', publisher.pid, first);
    assert.ok(typeof second !== 'string');
    assert.deepEqual(second.context, new Map([['a', 'b']]));
    await publisher.stop();
  });

  for (const isChanged of [false, true])
    test(`is ${isChanged ? 'being written' : 'read'} when its header is ${isChanged ? 'another' : 'the same'} after it`, async () => {
      const root = cleanup.makeFolder();
      const publication = new PausedPublication(join(root, '1'), contextPayload(NAMES));
      const look = readProcessContext(root, 1);
      const goOn = await publication.whenHeaderIsRead();
      if (isChanged) await publication.changeTime();
      await goOn();
      const found = await look;
      if (isChanged) assert.equal(found, 'changing');
      else assert.deepEqual(typeof found !== 'string' && found.context, new Map(Object.entries(NAMES)));
    });

  test('has 128 attributes at most, all of them texts', async () => {
    const found = await read({ payload: contextPayload(Object.fromEntries(many(140))) });
    assert.equal(Object.keys(found as object).length, 128);
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
