/** What the real Prometheus makes of it, three ways: nothing melts, and sums are exact over a restart of the agent. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { startAgent, type Agent } from '../support/agent.ts';
import { Cleanup } from '../support/cleanup.ts';
import { NetNamespace } from '../support/net-namespace.ts';
import { waitFor } from '../support/wait.ts';
import { buildWorkloads } from '../support/workloads.ts';
import { startWays, type Way, type Ways } from './prometheus-ways.ts';
import { trafficAs, TrafficProcess } from './traffic.ts';
import { exportFromTwoHosts } from './two-hosts.ts';

const CLOSED = 'wirespan_tcp_connection_closed_total';
const OPENED = 'wirespan_tcp_connection_opened_total';
const REFUSED = ',error_type="connection_refused"';
const WORKER = 'prom-worker';
const SHORT = 'prom-short';
/** Connections of each worker in a run of the agent. The second run passes what the first had, and stays below it. */
const RUNS = [
  [5, 70, 229],
  [11, 70, 131],
] as const;
const SHORT_PROCESSES = 8;
const SHORT_CONNECTIONS = 5;
/** Attempts of one worker at a port that nobody listens at any more. */
const FAILURES = 9;

describe('Prometheus', () => {
  const cleanup = new Cleanup();
  const workers: TrafficProcess[] = [];
  let ways: Ways;
  let room: NetNamespace;
  let server: TrafficProcess;
  let listener: number;
  let port: number;

  before(async () => {
    await buildWorkloads();
    room = new NetNamespace();
    cleanup.add(() => room.remove());
    ways = await startWays(cleanup);
    server = start('prom-server');
    for (let i = 0; i < RUNS[0].length; i += 1) workers.push(start(WORKER));
    listener = server.next();
    port = await server.run('listen', listener, '127.0.0.1');
    for (const [index, counts] of RUNS.entries()) {
      const agent = await startAgentTo(ways.endpoint, room.inode);
      cleanup.add(() => agent.kill());
      for (const [which, worker] of workers.entries()) await connect(worker, counts[which] ?? 0);
      await (index === 0 ? runShortOnes() : undefined);
      await until(
        CLOSED,
        '',
        counts.reduce((sum, count) => sum + count, 0),
      );
      await (index === 1 ? fail() : undefined);
      const { code, stderr } = await agent.stop();
      assert.equal(code, 0, stderr);
    }
  });
  after(() => cleanup.run());

  function start(name: string): TrafficProcess {
    const started = new TrafficProcess(trafficAs(cleanup, name), ['ip', 'netns', 'exec', room.name]);
    cleanup.add(() => started.stop());
    return started;
  }

  async function connect(client: TrafficProcess, count: number): Promise<void> {
    const [from, to] = [client.next(), server.next()];
    for (let i = 0; i < count; i += 1) {
      await client.run('connect', from, '127.0.0.1', port);
      await server.run('accept', to, listener);
      // One after the other: all of them close for the same reason, and are one series.
      await client.run('close', from);
      await server.run('close', to);
    }
  }

  async function runShortOnes(): Promise<void> {
    for (let i = 0; i < SHORT_PROCESSES; i += 1) {
      const short = start(SHORT);
      await connect(short, SHORT_CONNECTIONS);
      await short.stop();
    }
    await until(CLOSED, '', SHORT_PROCESSES * SHORT_CONNECTIONS, SHORT);
  }

  /** The port that answered until now refuses. */
  async function fail(): Promise<void> {
    await server.run('close', listener);
    const [worker] = workers;
    for (let i = 0; i < FAILURES; i += 1)
      await assert.rejects(async () => worker?.run('connect', worker.next(), '127.0.0.1', port));
    await until(OPENED, REFUSED, FAILURES);
  }

  /** Every way shows this sum of the workers. */
  function until(metric: string, more: string, sum: number, service = WORKER): Promise<void> {
    return waitFor(`${sum} of ${metric} to come every way`, async () => {
      for (const { prometheus, select } of ways.all)
        if ((await prometheus.total(`sum(${select(metric, service, more)})`)) !== sum) return false;
      return true;
    });
  }

  /** Each way that sees where a sum began: with the switch, and not by remote write, which carries no start times. */
  function seeing(): readonly Way[] {
    const found = ways.all.filter(({ name, takesStarts }) => takesStarts && name !== 'remote write');
    assert.equal(found.length, 2);
    return found;
  }

  it('has a series of each worker of a program, whichever way it comes', async () => {
    for (const { name, select, values } of ways.all)
      assert.deepEqual(await values(select(CLOSED, WORKER)), RUNS[1], name);
  });

  it('knows what each gained, exactly, over a restart of the agent', async () => {
    const truth = RUNS[0].map((first, index) => first + (RUNS[1][index] ?? 0));
    for (const { name, select, gains } of seeing())
      assert.deepEqual(await gains(select(CLOSED, WORKER)), truth, name);
  });

  it('knows what processes did that were gone before the first export', async () => {
    const truth = Array.from({ length: SHORT_PROCESSES }, () => SHORT_CONNECTIONS);
    for (const { name, select, gains } of seeing())
      assert.deepEqual(await gains(select(CLOSED, SHORT)), truth, name);
  });

  it('sees the first burst of a rare counter, without any switch too', async () => {
    for (const { name, select, gains } of ways.all)
      assert.deepEqual(await gains(select(OPENED, WORKER, REFUSED)), [0, 0, FAILURES], name);
  });

  it('keeps two hosts apart that run one service', async () => {
    const [worker] = workers;
    await exportFromTwoHosts(ways.endpoint, worker?.pid ?? 0, [
      [900, 1],
      [1, 1],
    ]);
    await until(CLOSED, '', 903, 'traffic');
    for (const { name, select, gains } of seeing())
      assert.deepEqual(await gains(select(CLOSED, 'traffic')), [2, 901], name);
  });
});

function startAgentTo(endpoint: string, netns: number): Promise<Agent> {
  return startAgent({
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf',
    OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
    OTEL_TRACES_EXPORTER: 'none',
    OTEL_LOGS_EXPORTER: 'none',
    WIRESPAN_FILTER_INCLUDE: `[{netns: ${netns}}]`,
  });
}
