/** An agent in a pid namespace of its own, as in a container without the host's pids. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { NetNamespace } from '../support/net-namespace.ts';
import { TcpScript } from '../support/script.ts';
import type { LogLine } from '../support/agent.ts';
import { Cleanup } from '../support/cleanup.ts';
import { observe } from './observe.ts';
import type { Observation, Output } from './observe.ts';
import { findEvents } from './otlp.ts';
import { waitFor } from '../support/wait.ts';

const CONNECTIONS = 7;
const SETTINGS = {
  WIRESPAN_EVENTS_TCP_CONNECTION_OPEN: 'on',
  WIRESPAN_EVENTS_TCP_CONNECTION_ACCEPT: 'on',
  WIRESPAN_EVENTS_TCP_CONNECTION_CLOSE: 'on',
};
const LAUNCHER = ['unshare', '--pid', '--fork', '--mount-proc'];

describe('an agent in a pid namespace of its own', () => {
  const cleanup = new Cleanup();
  let script: TcpScript;
  let observation: Observation;
  let output: Output;
  let log: readonly LogLine[];
  let port = 0;

  before(async () => {
    const room = new NetNamespace();
    cleanup.add(() => room.remove());
    script = TcpScript.start(room);
    cleanup.add(() => script.stop());
    observation = await observe(cleanup, { settings: SETTINGS, launcher: LAUNCHER });
    const at = await script.listen();
    port = at.port;
    for (let i = 0; i < CONNECTIONS; i += 1) {
      const [client, server] = [script.next(), script.next()];
      await script.run('socket', client);
      await script.run('connect', client, port);
      await script.run('accept', server, at.listener);
      await script.run('close', client);
      await script.run('close', server);
    }
    await waitFor('its events', () => closesAt(observation.read(), port).length === 2 * CONNECTIONS);
    output = await observation.finish();
    log = observation.agent.log();
  });
  after(() => cleanup.run());

  const closesAt = ({ logs }: Output, serverPort: number) =>
    findEvents(logs, 'wirespan.tcp.connection.close', { attributes: { 'server.port': serverPort } });

  it('sees others, under their pids on the host', () => {
    const pids = closesAt(output, port).map(({ attributes }) => attributes['process.pid']);
    assert.deepEqual(pids, Array<number>(2 * CONNECTIONS).fill(script.pid));
  });

  it('sees neither end of its own connection to the collector', () => {
    const { grpcPort } = observation.collector;
    const tcp = output.metrics.filter(({ name }) => name.startsWith('wirespan.tcp.'));
    const at = (serverPort: number) =>
      tcp.filter(({ attributes }) => attributes['server.port'] === serverPort).map(({ name }) => name);
    assert.ok(at(port).includes('wirespan.tcp.connection.opened'));
    assert.deepEqual(at(grpcPort), []);
    const about = output.logs.filter(({ attributes }) =>
      ['server.port', 'client.port', 'network.peer.port', 'network.local.port'].some(
        (name) => attributes[name] === grpcPort,
      ),
    );
    assert.deepEqual(about, []);
  });

  it('says what it needs', () => {
    const warning = log.find(({ msg }) => msg.includes('hostPID: true'));
    assert.equal(warning?.level, 'warn');
    assert.match(warning.msg, /--pid=host/);
  });
});
