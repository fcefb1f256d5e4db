/** A peer that has one `traceparent` for all of its requests, and one that sends half heads on very many connections. */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { projectFolder } from '../backends/place.ts';
import { cleanEnvironment } from '../support/agent.ts';
import { Cleanup } from '../support/cleanup.ts';
import { NetNamespace } from '../support/net-namespace.ts';
import { newContext, valueOf } from '../support/traceparent.ts';
import { waitFor } from '../support/wait.ts';
import { observe, type Output } from './observe.ts';
import { findSpans, totalOf } from './otlp.ts';

const PEER = join(projectFolder, 'test', 'workloads', 'node-service', 'hostile-peer.ts');
const [REQUESTS, HALVES] = [100_000, 10_000];
/** One segment of so many, of either end, never arrives; a SYN has 60 bytes. */
const LOST_OF = 50;
/** The defaults of `spans.max_per_parent` and `spans.max_per_trace`. */
const [MAX_BELOW_ONE, MAX_IN_TRACE] = [20, 200];
/** What the agent may need more with the halves than without: 2 kB for each end. */
const MORE_BYTES = 40e6;

describe('hostile peers', () => {
  const cleanup = new Cleanup();
  const context = newContext();
  let room: NetNamespace;
  let output: Output;
  let retransmitted = 0;
  let growth = 0;

  function start(name: string, ...args: string[]): { child: ChildProcess; out: () => string } {
    const enter = 'ulimit -n "$(ulimit -Hn)" && exec ip netns exec "$0" "$@"';
    const child = spawn('sh', ['-c', enter, room.name, process.execPath, PEER, ...args], {
      env: cleanEnvironment({ OTEL_SERVICE_NAME: name }),
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    cleanup.add(() => void child.kill('SIGKILL'));
    return { child, out: () => text };
  }

  before(async () => {
    room = new NetNamespace();
    cleanup.add(() => room.remove());
    const server = start('served', 'serve');
    await waitFor('the server to listen', () => server.out().endsWith('\n'));
    const { port } = JSON.parse(server.out()) as { port: number };
    const { agent, finish } = await observe(cleanup, {
      settings: { WIRESPAN_FILTER_INCLUDE: `[{netns: ${room.inode}}]`, WIRESPAN_EVENTS_RATE_LIMIT: '1000' },
    });
    room.filter(`meta length > 60 numgen random mod ${LOST_OF} == 0 drop`);
    const before = room.counter('TcpRetransSegs');
    const repeated = start('repeating', 'repeat', String(port), String(REQUESTS), valueOf(context));
    const [status] = (await once(repeated.child, 'close')) as [number];
    assert.equal(status, 0);
    room.filter();
    const rss = agent.rssBytes();
    const halves = start('halving', 'halves', String(port), String(HALVES));
    await waitFor('the halves to be sent', () => halves.out().endsWith('\n'));
    growth = agent.rssBytes() - rss;
    halves.child.stdin?.end();
    await once(halves.child, 'close');
    server.child.kill('SIGTERM');
    await waitFor(
      'all connections to end',
      () => room.exec('ss', '-Htn', 'state', 'connected', 'exclude', 'time-wait') === '',
    );
    retransmitted = room.counter('TcpRetransSegs') - before;
    output = await finish();
  });
  after(() => cleanup.run());

  /** A sum of one service. */
  function total(metric: string, service: string): number {
    return totalOf(output.metrics, metric, { resource: { 'service.name': service } });
  }

  it('one context for all: its spans are as many as it may have, the others and all that was sent again are counted', (t) => {
    const read = totalOf(output.metrics, 'wirespan.agent.correlation.lookups', {
      attributes: {
        'wirespan.correlation.method': 'http1_header',
        'wirespan.agent.correlation.result': 'hit',
      },
    });
    assert.equal(read, REQUESTS, 'each has its context');
    const inTrace = findSpans(output.spans, /^tcp /).filter(({ traceId }) => traceId === context.traceId);
    const below = inTrace.filter(({ parentSpanId }) => parentSpanId === context.spanId);
    assert.equal(below.length, MAX_BELOW_ONE);
    assert.ok(inTrace.length <= MAX_IN_TRACE);
    const refused = totalOf(output.metrics, 'wirespan.agent.event.lost', {
      attributes: { 'error.type': 'rate_limited' },
    });
    assert.ok(refused > 0);
    const again =
      total('wirespan.tcp.retransmits', 'repeating') + total('wirespan.tcp.retransmits', 'served');
    t.diagnostic(`${again} retransmissions, ${inTrace.length} spans, ${refused} left out`);
    assert.equal(again + total('wirespan.tcp.retransmits', 'halving'), retransmitted);
  });

  it('half heads: each connection is counted, and the memory is as it was', (t) => {
    assert.equal(total('wirespan.tcp.connection.opened', 'halving'), HALVES);
    assert.equal(total('wirespan.tcp.connection.closed', 'halving'), HALVES);
    t.diagnostic(`${Math.round(growth / 1e6)} MB more`);
    assert.ok(growth < MORE_BYTES, `${growth} bytes more`);
  });
});
