import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startCollector } from '../backends/run.ts';
import type { Collector } from '../backends/run.ts';
import { Cleanup } from '../support/cleanup.ts';
import { otlpSettings, readOutput } from './observe.ts';
import { totalOf } from './otlp.ts';
import { onTerminal, type Terminal } from './terminal.ts';
import { connectPair, endPair, move, trafficAs, TrafficProcess } from './traffic.ts';
import { waitFor } from '../support/wait.ts';
import { buildWorkloads } from '../support/workloads.ts';

const NPM_START = ['npm', 'start', '--', '--output=none'];
const CTRL_C = '\x03';
/** More than npm takes to pass a signal on; a person may take longer. */
const NEXT_PRESS_MS = 1100;
const BYTES = 50_021;

describe('npm start on a terminal', () => {
  const cleanup = new Cleanup();
  let collector: Collector;
  let client: TrafficProcess;
  let server: TrafficProcess;

  before(async () => {
    await buildWorkloads();
    collector = await startCollector({ outputDir: join(cleanup.makeFolder(), 'collector') });
    cleanup.add(() => collector.stop());
    client = new TrafficProcess(trafficAs(cleanup, 'terminal-client'));
    server = new TrafficProcess(trafficAs(cleanup, 'terminal-server'));
    cleanup.add(() => Promise.all([client.stop(), server.stop()]));
  });
  after(() => cleanup.run());

  const start = async (env: Readonly<Record<string, string>>): Promise<Terminal> => {
    const terminal = await onTerminal(cleanup, NPM_START, {
      OTEL_METRIC_EXPORT_INTERVAL: '600000',
      WIRESPAN_SHUTDOWN_DEADLINE: '60s',
      ...env,
    });
    terminal.read();
    await waitFor('the agent to be ready', () => /\bready\b/.test(terminal.text()));
    return terminal;
  };
  const whenEnded = (terminal: Terminal): Promise<void> =>
    waitFor(`its end: ${terminal.text()}`, () => terminal.status() !== undefined);

  const ends: Readonly<Record<string, (terminal: Terminal) => void>> = {
    'one Ctrl-C, which npm passes on as well': (terminal) => terminal.type(CTRL_C),
    'a hasty double Ctrl-C': (terminal) => terminal.type(CTRL_C + CTRL_C),
    'the end of the session': (terminal) => terminal.hangUp(),
  };
  for (const [name, end] of Object.entries(ends)) {
    it(`${name}: everything leaves`, async () => {
      const terminal = await start(otlpSettings(collector));
      const pair = await connectPair(client, server, '127.0.0.1');
      await move(pair.client, pair.server, BYTES);
      await endPair(pair);
      end(terminal);
      await whenEnded(terminal);
      const sums = (metric: string): number => {
        const where = { pids: new Set([client.pid]), attributes: { 'server.port': pair.port } };
        return totalOf(readOutput(collector).metrics, metric, where);
      };
      await waitFor('what has left to be written', () => sums('wirespan.tcp.connection.closed') > 0);
      assert.deepEqual([sums('wirespan.tcp.connection.closed'), sums('wirespan.tcp.io')], [1, BYTES]);
      assert.doesNotMatch(terminal.text(), /cut short/);
      if (!name.includes('session')) assert.equal(terminal.status(), 0, terminal.text());
    });
  }

  it('Ctrl-C again, a second later, cuts a drain short, and says so', async () => {
    const silent = createServer(() => undefined).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    cleanup.add(() => silent.close());
    const { port } = silent.address() as AddressInfo;
    const terminal = await start({ OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}` });
    terminal.type(CTRL_C);
    await waitFor('the drain', () => terminal.text().includes('Ctrl-C again'));
    await sleep(NEXT_PRESS_MS);
    assert.equal(terminal.status(), undefined, 'it waits for the collector still');
    terminal.type(CTRL_C);
    await whenEnded(terminal);
    assert.match(terminal.text(), /cut short: what was not sent yet is lost/);
    assert.equal(terminal.status(), 130);
  });
});
