/** The agent says how it is: to probes, to a scraper, and to a person, each the truth, also when nobody takes what it sends. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Status } from '../../receiver/agent/status.ts';
import { fetchPage, type Fetched } from '../../receiver/serve/fetch-page.ts';
import type { MetricPoint } from '../backends/otlp.ts';
import { findFreePorts } from '../backends/process.ts';
import { startCollector, type Collector } from '../backends/run.ts';
import { agentArgs, runToEnd, startAgent, type Agent, type Ended } from '../support/agent.ts';
import { Cleanup } from '../support/cleanup.ts';
import { waitFor } from '../support/wait.ts';
import { otlpSettings, readOutput } from './observe.ts';

/** What OpenTelemetry's units are called in Prometheus; others are left out of names. */
const UNIT_WORDS: Readonly<Record<string, string>> = { By: '_bytes', s: '_seconds' };

/** Series of Prometheus' text format, without the scope: the labels in the order of their names. */
function scrapedSeries(text: string): Map<string, number> {
  const series = new Map<string, number>();
  for (const line of text.split('\n')) {
    const [, name = '', , labels = '', value = ''] = /^(\w+)(\{(.*)\})? (\S+)$/.exec(line) ?? [];
    if (name === '' || name === 'target_info' || name.endsWith('_bucket')) continue;
    const pairs = (labels.match(/\w+="[^"]*"/g) ?? []).filter((pair) => !pair.startsWith('otel_scope_'));
    series.set(`${name}{${pairs.sort().join(',')}}`, Number(value));
  }
  return series;
}

/** The same of points as the collector wrote them. */
function sentSeries(points: readonly MetricPoint[]): Map<string, number> {
  return new Map(
    points.flatMap(({ name, unit, type, isMonotonic, attributes, value, count }) => {
      const word = unit === '1' && type === 'gauge' ? '_ratio' : (UNIT_WORDS[unit] ?? '');
      const total = type === 'sum' && isMonotonic ? '_total' : '';
      const base = `${name.replaceAll('.', '_')}${word}${total}`;
      const pairs = Object.entries(attributes).map(
        ([key, of]) => `${key.replaceAll('.', '_')}="${String(of)}"`,
      );
      const labels = `{${pairs.sort().join(',')}}`;
      if (type !== 'histogram') return [[`${base}${labels}`, value] as const];
      return [[`${base}_sum${labels}`, value] as const, [`${base}_count${labels}`, count] as const];
    }),
  );
}

const programs = (): number =>
  (JSON.parse(execFileSync('bpftool', ['-j', 'prog', 'show']).toString()) as { name?: string }[]).filter(
    ({ name = '' }) => name.startsWith('ws_'),
  ).length;

describe('the health of the agent', () => {
  const cleanup = new Cleanup();
  let collector: Collector;
  let agent: Agent;
  let port: number;
  let listen: string;
  /** Answers of `/readyz` from before the agent ran until it was ready, and our programs in the kernel after each. */
  const waits: { readonly answer: Fetched; readonly programs: number }[] = [];

  const page = (path: string): Promise<Fetched> => fetchPage(`http://127.0.0.1:${port}${path}`);
  const command = (...args: readonly string[]): Promise<Ended> =>
    runToEnd(process.execPath, agentArgs(...args, listen));
  const agentPoints = (): MetricPoint[] =>
    readOutput(collector).metrics.filter(({ scope }) => scope === 'wirespan' || scope === 'wirespan/agent');

  before(async () => {
    [port = 0] = await findFreePorts(1);
    listen = `--health.listen=127.0.0.1:${port}`;
    collector = await startCollector({ outputDir: join(cleanup.makeFolder(), 'collector') });
    cleanup.add(() => collector.stop());
    const settings = { ...otlpSettings(collector), WIRESPAN_SHUTDOWN_DEADLINE: '3s' };
    const starting = startAgent(settings, ['run', '--output=none', listen]);
    starting.then(
      (started) => cleanup.add(() => started.kill()),
      () => undefined,
    );
    const answering = waitFor(
      'the agent to be ready',
      async () => {
        const answer = await page('/readyz');
        waits.push({ answer, programs: programs() });
        return answer.status === 200;
      },
      60_000,
    );
    // One that ends before it is ready is told of at once, with what it wrote.
    [agent] = await Promise.all([starting, answering]);
  });
  after(() => cleanup.run());

  it('is ready from when programs are attached and metrics were collected, not before', () => {
    const last = waits.pop();
    assert.equal(last?.answer.text, 'programs are attached and metrics are collected\n');
    assert.ok(last.programs > 0);
    assert.ok(waits.length > 0);
    // While programs are loaded nobody is answered.
    for (const { answer } of waits)
      assert.ok(answer.status === undefined || answer.status === 503, JSON.stringify(answer));
  });

  it('has the metrics of a collection that was sent, each of them, by the names of Prometheus', async () => {
    await waitFor('a first collection to be sent', () => agentPoints().length > 0);
    const { status, text } = await page('/metrics');
    assert.equal(status, 200);
    const scraped = scrapedSeries(text);
    const cpu = scraped.get('process_cpu_time_seconds_total{cpu_mode="user"}');
    const timeOf = (points: readonly MetricPoint[]): bigint | undefined =>
      points.find(({ name, value }) => name === 'process.cpu.time' && value === cpu)?.timeNs;
    await waitFor('the collector to have what the scrape had', () => timeOf(agentPoints()) !== undefined);
    const points = agentPoints();
    const time = timeOf(points);
    const sent = sentSeries(points.filter(({ timeNs }) => timeNs === time));
    assert.ok(sent.size > 50);
    assert.deepEqual(new Map([...scraped].toSorted()), new Map([...sent].toSorted()));
  });

  it('shows one screen, with status 0, that says where everything goes', async () => {
    const { code, stdout, stderr } = await command('status');
    assert.deepEqual([code, stderr], [0, ''], stdout);
    assert.match(
      stdout,
      new RegExp(`^The agent\\n  ok       wirespan      \\S+, pid ${agent.pid}, up \\d+ s`),
    );
    assert.match(
      stdout,
      / {2}ok {7}metrics +http:\/\/127\.0\.0\.1:\d+: last taken \d+ s ago; [\d,]+ exported/,
    );
    const lines = stdout.trimEnd().split('\n');
    assert.ok(lines.length < 50 && lines.every((line) => line.length <= 100), stdout);
  });

  it('is not itself among what is observed', () => {
    const ofPort = readOutput(collector).metrics.filter(
      ({ attributes }) => attributes['server.port'] === port || attributes['network.local.port'] === port,
    );
    assert.ok(ofPort.length > 0, 'the ends of who asked are');
    assert.deepEqual(
      ofPort.filter(({ resource }) => resource['process.pid'] === agent.pid),
      [],
    );
  });

  it('leaves the port to who has it: another agent says so, and loads nothing', async () => {
    const loaded = programs();
    const { code, stderr } = await command('run', '--output=none');
    assert.equal(code, 2);
    assert.equal(
      stderr,
      `wirespan: The health endpoint cannot listen at 127.0.0.1:${port} (health.listen): another program listens there, maybe another agent: stop it, or give another port.\n`,
    );
    assert.equal(programs(), loaded);
  });

  it('stays ready and healthy without a collector, and shows that nobody takes its telemetry', async () => {
    await collector.stop();
    const metrics = async (): Promise<Status['export'][number] | undefined> =>
      (JSON.parse((await page('/status')).text) as Status).export.find(({ signal }) => signal === 'metrics');
    await waitFor('a failed export', async () => (await metrics())?.isFailing === true);
    const { lastSuccess, lastFailure } = (await metrics()) ?? {};
    assert.ok(lastSuccess !== undefined && lastFailure !== undefined && lastFailure.at >= lastSuccess);
    assert.match(lastFailure.cause, /ECONNREFUSED/);
    assert.deepEqual([(await page('/readyz')).status, (await page('/healthz')).status], [200, 200]);
    const text = await command('status');
    assert.equal(text.code, 0);
    assert.match(text.stdout, / {2}failed {3}metrics .*\n(?: .*\n)* +→ \d+ s ago: [^]*ECONNREFUSED/);
    const json = await command('status', '--json');
    assert.equal(json.code, 0);
    assert.equal((JSON.parse(json.stdout) as Status).pid, agent.pid);
  });

  it('is not ready while it stops, and then nobody is there', async () => {
    const stopped = agent.stop();
    await waitFor('the agent to say that it stops', async () => {
      const { status, text, cause } = await page('/readyz');
      assert.equal(cause, undefined);
      return status === 503 && text === 'stopping\n';
    });
    assert.equal((await page('/healthz')).status, 200);
    assert.equal((await stopped).code, 0);
    const { code, stdout } = await command('status');
    assert.deepEqual(
      [code, stdout],
      [3, `http://127.0.0.1:${port}: no agent says there how it is: nobody listens\n`],
    );
  });
});
