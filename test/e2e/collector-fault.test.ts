import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { findFreePorts } from '../backends/process.ts';
import { startCollector } from '../backends/run.ts';
import type { Collector } from '../backends/run.ts';
import { startAgent } from '../support/agent.ts';
import type { Agent } from '../support/agent.ts';
import { Cleanup } from '../support/cleanup.ts';
import { otlpSettings, readOutput } from './observe.ts';
import type { Output } from './observe.ts';
import { findEvents, findPoints, totalOf, totalsBy } from './otlp.ts';
import { waitFor } from '../support/wait.ts';
import { buildWorkloads, runChurn } from '../support/workloads.ts';

const ROUNDS = [1009, 2003, 4001, 503] as const;
const CHURN = { resource: { 'process.executable.name': 'churn' } };
const OPENED = 'wirespan.tcp.connection.opened';
/** Over what the agent needs at rest, with the queues that the settings allow. */
const MEMORY_BOUND_BYTES = 160e6;

describe('a collector that is absent, then there, then killed, then back', () => {
  const cleanup = new Cleanup();
  const rss: Record<string, number> = {};
  let agent: Agent;
  let before_: Output;
  let after_: Output;
  let exitCode: number | undefined;

  const total = (): number => ROUNDS.reduce((sum, connections) => sum + connections, 0);
  const note = (when: string): void => {
    assert.ok(agent.isRunning(), `the agent runs ${when}`);
    rss[when] = agent.rssBytes();
  };

  before(async () => {
    await buildWorkloads();
    const [grpcPort, httpPort] = (await findFreePorts(2)) as [number, number];
    const folder = cleanup.makeFolder();
    const start = async (name: string): Promise<Collector> => {
      const collector = await startCollector({ grpcPort, httpPort, outputDir: join(folder, name) });
      cleanup.add(() => collector.stop());
      return collector;
    };
    agent = await startAgent({
      ...otlpSettings({ grpcPort, httpPort }),
      WIRESPAN_EVENTS_TCP_CONNECTION_CLOSE: 'on',
      WIRESPAN_EXPORT_QUEUE_SIZE: '1024',
      OTEL_EXPORTER_OTLP_TIMEOUT: '2000',
    });
    cleanup.add(() => agent.kill());
    note('at the start');

    await runChurn(ROUNDS[0]);
    note('without a collector');
    const first = await start('first');
    await runChurn(ROUNDS[1]);
    // What a collector took and had not written when it was killed would be missing, so nothing may be on its way.
    await waitFor('sums and events of before and after the collector came', () => {
      const output = readOutput(first);
      const seen = totalOf(output.metrics, OPENED, CHURN);
      return seen === 2 * (ROUNDS[0] + ROUNDS[1]) && accountedIn([output]) >= seen;
    });
    note('with a collector');
    await first.kill();
    before_ = readOutput(first);
    await runChurn(ROUNDS[2], { pairs: 2 });
    note('after its collector was killed');
    const second = await start('second');
    await runChurn(ROUNDS[3]);
    await waitFor(
      'exports to the second collector',
      () => findPoints(readOutput(second).metrics, OPENED).length > 0,
    );
    note('with a second collector');
    exitCode = (await agent.stop()).code;
    await second.stop();
    after_ = readOutput(second);
  });
  after(() => cleanup.run());

  it('crashes nothing: the agent ends with 0 when asked', () => {
    assert.equal(exitCode, 0);
  });

  it('keeps its memory bounded', (t) => {
    t.diagnostic(
      Object.entries(rss)
        .map(([when, bytes]) => `${Math.round(bytes / 1e6)} MB ${when}`)
        .join(', '),
    );
    for (const [when, bytes] of Object.entries(rss)) {
      assert.ok(bytes < (rss['at the start'] ?? 0) + MEMORY_BOUND_BYTES, `${bytes} bytes ${when}`);
    }
  });

  it('has the right sums in the end', () => {
    const everything = [...before_.metrics, ...after_.metrics];
    const role = 'wirespan.tcp.handshake.role';
    for (const name of [OPENED, 'wirespan.tcp.connection.closed']) {
      assert.deepEqual(
        totalsBy(findPoints(everything, name, CHURN), [role]),
        { client: total(), server: total() },
        name,
      );
    }
    assert.equal(totalOf(everything, 'wirespan.tcp.io', CHURN), total() * 128 * 4);
  });

  it('counts every event that it could not keep', (t) => {
    const lost = lostIn([before_, after_]);
    const exported = accountedIn([before_, after_]) - lost;
    t.diagnostic(`${2 * total()} close events, ${exported} exported, ${lost} lost`);
    assert.ok(lost > 0, 'the queue of 1,024 was too small for what the collector missed');
    // Other processes' events may have been lost as well.
    assert.ok(exported <= 2 * total());
    assert.ok(exported + lost >= 2 * total(), `${exported} + ${lost} of ${2 * total()}`);
  });
});

/** Close events of the workload that arrived, and all that the agent counted as lost. */
function accountedIn(outputs: readonly Output[]): number {
  const attributes = { 'process.executable.name': 'churn' };
  const logs = outputs.flatMap((output) => output.logs);
  return findEvents(logs, 'wirespan.tcp.connection.close', { attributes }).length + lostIn(outputs);
}

function lostIn(outputs: readonly Output[]): number {
  return totalOf(
    outputs.flatMap(({ metrics }) => metrics),
    'wirespan.agent.event.lost',
  );
}
