/** A process whose first thread has ended, of an executable with a long name. */
import assert from 'node:assert/strict';
import { copyFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Cleanup } from '../support/cleanup.ts';
import { NetNamespace } from '../support/net-namespace.ts';
import { hex, PROGRAM, TcpScript } from '../support/script.ts';
import { waitFor } from '../support/wait.ts';
import { observe } from './observe.ts';
import { findPoints, totalOf } from './otlp.ts';
import type { Output } from './observe.ts';

const NAME = 'an-executable-whose-name-is-longer-than-31-bytes';
const [CONNECTIONS, BYTES] = [7, 101];
const SERVICE = 'threaded';

describe('a process whose first thread has ended', () => {
  const cleanup = new Cleanup();
  let output: Output;

  before(async () => {
    const room = new NetNamespace();
    cleanup.add(() => room.remove());
    const program = join(cleanup.makeFolder(), NAME);
    copyFileSync(PROGRAM, program);
    const [server, client] = [TcpScript.start(room), TcpScript.start(room, { program })];
    for (const script of [server, client]) cleanup.add(() => script.stop());
    await client.run('exec', 0, program, SERVICE);
    await client.run('thread', 0);
    await waitFor('the first thread to end', () =>
      /^State:\tZ/m.test(readFileSync(`/proc/${client.pid}/status`, 'latin1')),
    );
    const { listener, port } = await server.listen();
    const observation = await observe(cleanup, {
      settings: { WIRESPAN_FILTER_INCLUDE: `[{netns: ${room.inode}}]` },
    });
    for (let i = 0; i < CONNECTIONS; i += 1) {
      const [socket, accepted] = [client.next(), server.next()];
      await client.run('socket', socket);
      await client.run('connect', socket, port);
      await server.run('accept', accepted, listener);
      await client.run('write', socket, hex('x'.repeat(BYTES)));
      await server.run('read', accepted, BYTES);
      await client.run('close', socket);
      await server.run('close', accepted);
    }
    await waitFor('all to be exported', () =>
      findPoints(observation.read().metrics, 'wirespan.tcp.connection.closed', {
        attributes: { 'wirespan.tcp.handshake.role': 'client' },
      }).some(({ value }) => value === CONNECTIONS),
    );
    output = await observation.finish();
  });
  after(() => cleanup.run());

  it('has its whole name, what it declares, and all that it did', () => {
    const resource = { 'process.executable.name': NAME, 'service.name': SERVICE };
    const total = (name: string, attributes = {}): number =>
      totalOf(output.metrics, name, { resource, attributes });
    assert.equal(total('wirespan.tcp.connection.opened'), CONNECTIONS);
    assert.equal(total('wirespan.tcp.connection.closed'), CONNECTIONS);
    const transmit = { 'network.io.direction': 'transmit' };
    assert.equal(total('wirespan.tcp.io', transmit), CONNECTIONS * BYTES);
  });
});
