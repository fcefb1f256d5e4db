/** Dashboards and alert rules, asked of a real Prometheus behind the shipped collector and a real agent. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { parse } from 'yaml';
import { backEndPath } from '../backends/build.ts';
import { projectFolder } from '../backends/place.ts';
import { findFreePorts } from '../backends/process.ts';
import { startPrometheus, type Prometheus } from '../backends/prometheus.ts';
import { startAgent } from '../support/agent.ts';
import { Cleanup } from '../support/cleanup.ts';
import { NetNamespace } from '../support/net-namespace.ts';
import { waitFor } from '../support/wait.ts';
import { buildWorkloads } from '../support/workloads.ts';
import { startShipped } from './shipped-collector.ts';
import { connectPair, endPair, move, TrafficProcess, trafficAs } from './traffic.ts';

const RULES = join(projectFolder, 'deploy/prometheus');
const SERVICE = 'dash-shop';
const CLIENT = 'dash-client';
const OPEN = 7;
const ENDED = 3;
/** What nothing of this workload makes: there was no segment lost, and no request with a trace. */
const NOT_MADE: readonly string[] = ['Trace contexts', 'Records lost', 'WirespanRecordsLost'];

interface Panel {
  readonly id: number;
  readonly title: string;
  readonly targets?: readonly { readonly expr: string; readonly refId: string }[];
}

interface Rules {
  readonly groups: readonly {
    readonly rules: readonly { readonly alert: string; readonly expr: string }[];
  }[];
}

const boards = globSync(join(projectFolder, 'deploy/grafana/dashboards/*.json')).map((path) => ({
  name: basename(path, '.json'),
  ...(JSON.parse(readFileSync(path, 'utf8')) as { uid: string; panels: Panel[] }),
}));
const rules = (parse(readFileSync(join(RULES, 'wirespan.rules.yaml'), 'utf8')) as Rules).groups.flatMap(
  (group) => group.rules,
);

describe('dashboards and alert rules', () => {
  const cleanup = new Cleanup();
  let prometheus: Prometheus;

  before(async () => {
    await buildWorkloads();
    const room = new NetNamespace();
    cleanup.add(() => room.remove());
    const folder = cleanup.makeFolder();
    const [unusedPort = 0] = await findFreePorts(1);
    const collector = await startShipped('otelcol', unusedPort);
    cleanup.add(() => collector.stop());
    prometheus = await startPrometheus({
      outputDir: folder,
      scrapes: [collector.prometheusPort],
      honorsLabels: true,
    });
    cleanup.add(() => prometheus.stop());
    const [server, client] = [SERVICE, CLIENT].map((name) => {
      const started = new TrafficProcess(trafficAs(cleanup, name), ['ip', 'netns', 'exec', room.name]);
      cleanup.add(() => started.stop());
      return started;
    });
    assert.ok(server && client);
    const agent = await startAgent({
      OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc',
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint,
      OTEL_METRIC_EXPORT_INTERVAL: '1000',
      WIRESPAN_FILTER_INCLUDE: `[{netns: ${room.inode}}]`,
      WIRESPAN_SUBNETS: '127.0.0.0/8',
      WIRESPAN_METRICS_TCP_RECEIVE_QUEUE_DURATION: 'on',
    });
    cleanup.add(() => agent.kill());
    await server.run('listen', server.next(), '127.0.0.1');
    const listener = server.next();
    const port = await server.run('listen', listener, '127.0.0.1');
    for (let i = 0; i < OPEN + ENDED; i += 1) {
      const pair = await connectPair(client, server, '127.0.0.1');
      await move(pair.client, pair.server, 10_007);
      if (i < ENDED) await endPair(pair);
    }
    await server.run('close', listener);
    await assert.rejects(() => client.run('connect', client.next(), '127.0.0.1', port));
    // A rate takes two samples.
    await waitFor('two exports to be scraped', async () => {
      const [series] = await prometheus.query(`wirespan_tcp_connection_active{job="${SERVICE}"}[1m]`);
      return (series?.samples.length ?? 0) > 3;
    });
  });
  after(() => cleanup.run());

  /** As Grafana asks: everything is chosen, and a panel is ten seconds wide. */
  function ask(expression: string): ReturnType<Prometheus['query']> {
    return prometheus.query(
      expression
        .replaceAll('$__rate_interval', '10s')
        .replaceAll('$job', '.*')
        .replaceAll('$host', '.*')
        // Limits are for bad days: what they are compared with must be there on good ones.
        .replaceAll(/ > [\d.]+/g, '')
        .replace(/ unless .*/, ''),
    );
  }

  for (const { name, uid, panels } of boards)
    it(`${name}: each query is answered with series`, async () => {
      assert.equal(uid, `wirespan-${name}`);
      assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length, 'ids of panels');
      for (const { title, targets = [] } of panels)
        for (const { expr } of targets)
          if (NOT_MADE.includes(title)) await ask(expr);
          else await waitFor(`series of ${title}: ${expr}`, async () => (await ask(expr)).length > 0);
    });

  it('show what is there: connections of the service, hosts, failed attempts', async () => {
    const queryOf = (board: string, panel: string): string =>
      boards.find(({ name }) => name === board)?.panels.find(({ title }) => title === panel)?.targets?.[0]
        ?.expr ?? '';
    const established = await ask(queryOf('service', 'Established now').replace('$job', SERVICE));
    assert.equal(
      established.reduce((sum, { samples }) => sum + (samples[0]?.[1] ?? 0), 0),
      OPEN,
    );
    assert.equal((await ask(queryOf('fleet', 'Hosts')))[0]?.samples[0]?.[1], 1);
    const failed = await ask(queryOf('service', 'Attempts').replace('$job', CLIENT));
    assert.ok(failed.some(({ labels }) => labels['error_type'] === 'connection_refused'));
  });

  it('rules: what each compares is there', async () => {
    for (const { alert, expr } of rules)
      if (NOT_MADE.includes(alert)) await ask(expr);
      else await waitFor(`series of ${alert}: ${expr}`, async () => (await ask(expr)).length > 0);
  });

  it('rules: promtool runs their tests, and each has one', async () => {
    const promtool = await backEndPath('promtool');
    const file = join(RULES, 'wirespan.rules.test.yaml');
    await promisify(execFile)(promtool, ['test', 'rules', file]);
    for (const { alert } of rules) assert.match(readFileSync(file, 'utf8'), new RegExp(`: ${alert}\\b`));
  });
});
