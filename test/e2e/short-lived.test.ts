/** Processes that end before the first export, folded and not: the same sums. */
import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { NetNamespace } from '../support/net-namespace.ts';
import { TcpScript } from '../support/script.ts';
import { Cleanup } from '../support/cleanup.ts';
import { observe } from './observe.ts';
import type { Output } from './observe.ts';
import { findEvents, findPoints } from './otlp.ts';

const PROCESSES = 7;
const OPENED = 'wirespan.tcp.connection.opened';
const SETTINGS = {
  WIRESPAN_EVENTS_TCP_CONNECTION_CLOSE: 'on',
  WIRESPAN_EVENTS_RATE_LIMIT: '0',
  // The first export is at the end.
  OTEL_METRIC_EXPORT_INTERVAL: '600000',
};

interface Ran {
  readonly output: Output;
  readonly port: number;
  readonly serverPid: number;
  readonly clientPids: readonly number[];
}

describe('short-lived processes', () => {
  const cleanup = new Cleanup();
  after(() => cleanup.run());

  /** A server that lives on, and clients of one connection each that end before the first export. */
  async function run(fold: 'on' | 'off'): Promise<Ran> {
    const room = new NetNamespace();
    cleanup.add(() => room.remove());
    const observation = await observe(cleanup, {
      settings: { ...SETTINGS, WIRESPAN_RESOURCE_FOLD_SHORT_LIVED: fold },
    });
    const server = TcpScript.start(room);
    cleanup.add(() => server.stop());
    const { port, listener } = await server.listen();
    const clientPids: number[] = [];
    for (let i = 0; i < PROCESSES; i += 1) {
      const client = TcpScript.start(room);
      clientPids.push(client.pid);
      const accepted = server.next();
      await client.run('socket', 1);
      await client.run('connect', 1, port);
      await server.run('accept', accepted, listener);
      await client.run('close', 1);
      await server.run('close', accepted);
      await client.stop();
    }
    const output = await observation.finish();
    return { output, port, serverPid: server.pid, clientPids };
  }

  /** By process, `host` without one. */
  function opened({ output, port }: Ran, role: string): Map<unknown, number> {
    const found = new Map<unknown, number>();
    for (const point of findPoints(output.metrics, OPENED, {
      attributes: { 'server.port': port, 'wirespan.tcp.handshake.role': role },
    })) {
      const pid = point.resource['process.pid'] ?? 'host';
      found.set(pid, (found.get(pid) ?? 0) + Number(point.value));
    }
    return found;
  }

  it('have a resource of their own', async () => {
    const ran = await run('off');
    assert.deepEqual(opened(ran, 'client'), new Map(ran.clientPids.map((pid) => [pid, 1])));
    assert.deepEqual(opened(ran, 'server'), new Map([[ran.serverPid, PROCESSES]]));
  });

  it('are the host’s when folded, while events and those that live keep theirs', async () => {
    const ran = await run('on');
    assert.deepEqual(opened(ran, 'client'), new Map([['host', PROCESSES]]));
    assert.deepEqual(opened(ran, 'server'), new Map([[ran.serverPid, PROCESSES]]));
    const closes = findEvents(ran.output.logs, 'wirespan.tcp.connection.close', {
      attributes: { 'server.port': ran.port, 'wirespan.tcp.handshake.role': 'client' },
    });
    assert.deepEqual(new Set(closes.map(({ resource }) => resource['process.pid'])), new Set(ran.clientPids));
  });
});
