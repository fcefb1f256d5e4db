import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { checkCloseEvents } from './check-events.ts';
import { allBytes, checkBytes, checkClosed, checkNothingLeft, checkOpened } from './check-metrics.ts';
import { Cleanup } from '../support/cleanup.ts';
import { findPoints, totalOf } from './otlp.ts';
import { observe, type Observation, type Output } from './observe.ts';
import { establishedEnds, pidsOf, type Truth } from '../support/truth.ts';
import { waitFor } from '../support/wait.ts';
import { buildWorkloads, holdTruth, runTruth } from '../support/workloads.ts';

const FIRST = 'spans: {max_per_trace: 211}\n';
/** Other traffic than the workload's is left out; `bpf` cannot change. */
const SECOND = `
filter: {exclude: [{port: 7}, {cidr: 198.51.100.0/24}, {command: no-such}]}
spans: {max_per_trace: 223}
bpf: {max_series: 4099}
`;
const BAD = 'filter: {exclude: [{port: 70000}]}\n';
const THIRD = 'filter: {exclude: [{command: truth-client}]}\n';

describe('SIGHUP', () => {
  const cleanup = new Cleanup();
  let observation: Observation;
  let file: string;
  let held: Truth;
  let filtered: Truth;
  let output: Output;

  const lines = (start: string): string[] =>
    observation.agent
      .log()
      .map(({ msg }) => msg)
      .filter((msg) => msg.startsWith(start));

  /** Gives the agent this file and the signal; its next line that begins so. */
  async function reload(text: string, start: string): Promise<string> {
    const count = lines(start).length;
    writeFileSync(file, text);
    process.kill(observation.agent.pid, 'SIGHUP');
    await waitFor(`the agent to say '${start}'`, () => lines(start).length > count);
    return lines(start).at(-1) ?? '';
  }

  const said: Record<string, string> = {};

  before(async () => {
    await buildWorkloads();
    file = join(cleanup.makeFolder(), 'wirespan.yaml');
    writeFileSync(file, FIRST);
    observation = await observe(cleanup, {
      settings: { WIRESPAN_CONFIG: file, WIRESPAN_EVENTS_TCP_CONNECTION_CLOSE: 'on' },
    });
    const workload = await holdTruth();
    cleanup.add(workload.kill);
    said['second'] = await reload(SECOND, 'the settings were read again');
    await waitFor('the rest to be named', () => lines('needs a restart').length > 0);
    said['restart'] = lines('needs a restart').at(-1) ?? '';
    said['bad'] = await reload(BAD, 'the settings stay as they are');
    held = await workload.finish();
    said['third'] = await reload(THIRD, 'the settings were read again');
    filtered = await runTruth();
    output = await observation.finish();
  });
  after(() => cleanup.run());

  it('says what changed, and what needs a restart', () => {
    assert.match(said['second'] ?? '', /changed: filter\.exclude, spans\.max_per_trace$/);
    assert.equal(said['restart'], 'needs a restart: bpf.max_series');
    // Not set any more: these go back to their defaults.
    assert.match(said['third'] ?? '', /changed: filter\.exclude, spans\.max_per_trace$/);
    assert.equal(lines('needs a restart').length, 1);
  });

  it('keeps the settings when the new ones are bad, and says why in one line', () => {
    const problem = said['bad'] ?? '';
    assert.match(problem, /filter\.exclude .*wirespan\.yaml.*port must/);
    assert.ok(!problem.includes('\n'));
  });

  const checks: Record<string, () => string[]> = {
    'close events': () => checkCloseEvents(held, output.logs),
    'attempts and handshake times': () => checkOpened(held, output.metrics),
    'closed connections': () => checkClosed(held, output.metrics),
    'payload bytes': () => checkBytes(held, output.metrics, allBytes),
    'nothing is left': () => checkNothingLeft(held, output.metrics),
  };
  for (const [name, check] of Object.entries(checks)) {
    it(`${name} of connections that were open meanwhile agree with the workload exactly`, () => {
      assert.equal(held.connections.length, 53);
      assert.deepEqual(check(), []);
    });
  }

  it('leaves out what the new filter excludes, and nothing else', () => {
    const pids = pidsOf(filtered);
    const opened = 'wirespan.tcp.connection.opened';
    const of = (executable: string) => ({ pids, resource: { 'process.executable.name': executable } });
    assert.deepEqual(findPoints(output.metrics, opened, of('truth-client')), []);
    const servers = establishedEnds(filtered).filter(({ role }) => role === 'server');
    assert.equal(totalOf(output.metrics, opened, of('truth-server')), servers.length);
  });
});
