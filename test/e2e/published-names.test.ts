/** A process whose environment was wiped, but which publishes its names in its memory (OTEP 4719). */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Cleanup } from '../support/cleanup.ts';
import { contextPayload, ContextPublisher } from '../support/context-publisher.ts';
import { NetNamespace } from '../support/net-namespace.ts';
import { TcpScript } from '../support/script.ts';
import { waitFor } from '../support/wait.ts';
import { observe, type Output } from './observe.ts';
import { findPoints, totalOf } from './otlp.ts';

const OPENED = 'wirespan.tcp.connection.opened';
const NAME = 'named in code';
const LATER = 7;
const SECRET = 'hunter2hunter2';

describe('a process that publishes its names', () => {
  const cleanup = new Cleanup();
  let output: Output;
  let pid = 0;

  before(async () => {
    const room = new NetNamespace();
    cleanup.add(() => room.remove());
    const server = TcpScript.start(room);
    cleanup.add(() => server.stop());
    const { listener, port } = await server.listen();
    const publisher = new ContextPublisher(cleanup, { SECRET }, ['ip', 'netns', 'exec', room.name]);
    ({ pid } = publisher);
    const attributes = {
      'service.name': NAME,
      'service.instance.id': 'one',
      'host.name': 'forged',
      'process.pid': '1',
    };
    await publisher.publish({ payload: contextPayload(attributes), place: 'elsewhere' });
    const observation = await observe(cleanup, {
      settings: { WIRESPAN_FILTER_INCLUDE: `[{netns: ${room.inode}}]` },
    });
    const connect = async (): Promise<void> => {
      await publisher.connect(port);
      await server.run('accept', server.next(), listener);
    };
    const opened = (name: string): number =>
      totalOf(observation.read().metrics, OPENED, { resource: { 'service.name': name } });
    await connect();
    // It is met with its first connection, and has its name some milliseconds later.
    await waitFor('a connection under its name', async () => {
      if (opened(NAME) === 0) await connect();
      return opened(NAME) > 0;
    });
    const before = opened(NAME);
    for (let i = 0; i < LATER; i += 1) await connect();
    await waitFor('the later ones', () => opened(NAME) >= before + LATER);
    output = await observation.finish();
  });
  after(() => cleanup.run());

  it('is called so, and nothing that is observed is forged', () => {
    const named = findPoints(output.metrics, OPENED, { resource: { 'service.name': NAME } });
    assert.ok(named.length > 0);
    for (const { resource } of named) {
      assert.equal(resource['service.instance.id'], 'one');
      assert.notEqual(resource['host.name'], 'forged');
      assert.notEqual(resource['process.pid'], 1);
    }
    assert.ok(pid > 1);
  });

  it('tells nothing else of its memory', () => {
    assert.ok(!JSON.stringify(output.lines).includes(SECRET));
  });
});
