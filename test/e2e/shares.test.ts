import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { startHog } from '../support/hog.ts';
import { TcpScript } from '../support/script.ts';
import { Cleanup } from '../support/cleanup.ts';
import { observe } from './observe.ts';
import type { Output } from './observe.ts';
import { finalPoints, findPoints, totalOf, totalsBy } from './otlp.ts';

const OPENED = 'wirespan.tcp.connection.opened';
const RESETS = 'wirespan.tcp.resets';
const PORT = 'server.port';
const CLOSED_PORTS = 12_000;
const FIRST_PORT = 10_000;

describe('one living process that tries 12,000 closed ports', () => {
  const cleanup = new Cleanup();
  let output: Output;
  let hogPid: number;
  let scriptPid: number;
  let ports: number[];

  before(async () => {
    const { room, script } = TcpScript.open(cleanup);
    const observation = await observe(cleanup, {
      settings: { WIRESPAN_FILTER_INCLUDE: `[{netns: ${room.inode}}]` },
    });
    const hog = await startHog(cleanup, room, 'refused', FIRST_PORT, CLOSED_PORTS);
    ports = [];
    for (let i = 0; i < 7; i += 1) {
      const [{ listener, port }, client, server] = [await script.listen(), script.next(), script.next()];
      ports.push(port);
      await script.run('socket', client);
      await script.run('connect', client, port);
      await script.run('accept', server, listener);
      await script.run(i < 5 ? 'reset' : 'close', client);
      await script.run('close', server);
    }
    [hogPid, scriptPid] = [hog.pid, script.pid];
    output = await observation.finish();
  });
  after(() => cleanup.run());

  const of = (pid: number) => ({ resource: { 'process.pid': pid } });

  it('seven connections of another process have their role and port, and so have five resets', () => {
    const client = { ...of(scriptPid), attributes: { 'wirespan.tcp.handshake.role': 'client' } };
    const expected = Object.fromEntries(ports.map((port) => [String(port), 1]));
    assert.deepEqual(totalsBy(findPoints(output.metrics, OPENED, client), [PORT]), expected);
    const reset = Object.fromEntries(ports.slice(0, 5).map((port) => [String(port), 1]));
    assert.deepEqual(totalsBy(findPoints(output.metrics, RESETS, client), [PORT]), reset);
  });

  it('every attempt and every reset is on the process itself, in overflow series at the worst', (t) => {
    for (const metric of [OPENED, RESETS]) {
      assert.equal(totalOf(output.metrics, metric, of(hogPid)), CLOSED_PORTS, metric);
      const overflow = { ...of(hogPid), attributes: { 'otel.metric.overflow': true } };
      t.diagnostic(`${metric}: ${totalOf(output.metrics, metric, overflow)} in an overflow series`);
      assert.ok(totalOf(output.metrics, metric, overflow) > 0);
    }
    assert.equal(totalOf(output.metrics, OPENED), CLOSED_PORTS + 14);
    const swallowed = finalPoints(output.metrics).filter(
      ({ resource, attributes }) =>
        resource['process.pid'] === undefined && attributes['otel.metric.overflow'] === true,
    );
    assert.deepEqual(swallowed, [], 'nothing is on the host');
  });
});
