/** The demo as a user runs it: its tree has the network spans under the right spans of the application, and nothing is left of it. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmodSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { projectFolder } from '../backends/place.ts';
import { cleanEnvironment } from '../support/agent.ts';
import { cgroupMounts, inCgroup, makeCgroup } from '../support/cgroups.ts';
import { Cleanup } from '../support/cleanup.ts';
import { waitFor } from '../support/wait.ts';

/** It takes 20 s when nothing else runs. */
const WITHIN_MS = 180_000;

/** A demo of its own control group and folder for temporary files, which tell what is left of it. */
class Demo {
  readonly #child: ReturnType<typeof spawn>;
  readonly #cgroup: string;
  readonly #folder: string;
  output = '';

  constructor(cleanup: Cleanup, ...args: string[]) {
    const mount = cgroupMounts().v2;
    assert.ok(mount !== undefined, 'no cgroup v2 is mounted');
    this.#folder = cleanup.makeFolder();
    // Its databases run as `nobody`.
    chmodSync(this.#folder, 0o711);
    this.#cgroup = makeCgroup(cleanup, mount, `wirespan-${process.pid}-demo`);
    const [command = '', ...rest] = [...inCgroup(this.#cgroup), 'node', 'scripts/demo.mjs', ...args];
    const env = cleanEnvironment({ TMPDIR: this.#folder });
    const stdio: ['ignore', 'pipe', 'pipe'] = ['ignore', 'pipe', 'pipe'];
    this.#child = spawn(command, rest, { cwd: projectFolder, env, stdio });
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream?.setEncoding('utf8').on('data', (chunk: string) => (this.output += chunk));
    cleanup.add(() => this.#child.kill('SIGTERM'));
  }

  interrupt(): void {
    this.#child.kill('SIGINT');
  }

  /** How it ended. */
  async end(): Promise<number | undefined> {
    await waitFor(
      `the demo to end, which said\n${this.output}`,
      () => this.#child.exitCode !== null || this.#child.signalCode !== null,
      WITHIN_MS,
    );
    return this.#child.exitCode ?? undefined;
  }

  /** Processes, files and control groups that it left. */
  leftovers(): string[] {
    const pids = readFileSync(join(this.#cgroup, 'cgroup.procs'), 'utf8').split('\n').filter(Boolean);
    const groups = readdirSync(join(this.#cgroup, '..')).filter((name) => {
      const [, pid = '', rest] = /^wirespan-(\d+)(-.*)?$/.exec(name) ?? [];
      return pid !== '' && rest === undefined && !existsSync(`/proc/${pid}`);
    });
    return [...pids, ...groups, ...readdirSync(this.#folder)];
  }
}

interface Row {
  readonly depth: number;
  readonly name: string;
  readonly service: string;
}

const ROW = /^([│├└ ]*)(\S.*?) {2,}(\S+) +\d+\.\d +\d+\.\d\b/;

/** Rows of the trees that were printed, in their order. */
function rowsOf(output: string): Row[] {
  return output.split('\n').flatMap((line) => {
    const [, indent = '', name = '', service = ''] = ROW.exec(line) ?? [];
    return name === '' ? [] : [{ depth: indent.length / 2, name, service }];
  });
}

/** The span of the application that a row is below: `service: name`. */
function parentOf(rows: readonly Row[], row: Row): string {
  let { depth } = row;
  for (const above of rows.slice(0, rows.indexOf(row)).reverse()) {
    if (above.depth >= depth) continue;
    if (!above.name.startsWith('tcp ')) return `${above.service}: ${above.name}`;
    depth = above.depth;
  }
  return '';
}

describe('the demo, once', () => {
  const cleanup = new Cleanup();
  let demo: Demo;
  let status: number | undefined;
  let rows: Row[];

  before(async () => {
    demo = new Demo(cleanup, '--once');
    status = await demo.end();
    rows = rowsOf(demo.output);
  });
  after(() => cleanup.run());

  const portOf = (name: string): string =>
    new RegExp(`^ +${name} +127\\.0\\.0\\.1:(\\d+)$`, 'm').exec(demo.output)?.[1] ?? '';

  /** Parents of the network spans whose names begin so, each with the service of the span. */
  const placesOf = (name: string): string[] =>
    rows
      .filter((row) => row.name.startsWith(name))
      .map((row) => `${row.service} under ${parentOf(rows, row)}`);

  it('ends with success', () => assert.equal(status, 0, demo.output));

  it('shows what the gateway sent again, under its calls, and what orders did, under its query', (t) => {
    for (const line of demo.output.split('\n')) t.diagnostic(line);
    assert.deepEqual(
      [...new Set(placesOf('tcp retransmit'))],
      [
        'gateway under gateway: grpc.shop.Orders/Get',
        'orders under orders: pg.query:SELECT postgres',
        'gateway under gateway: GET',
      ],
    );
  });

  it('shows what the time of a request over HTTP was spent on, most of it on what was lost', () => {
    const exchange = `tcp exchange ${portOf('stock \\(HTTP\\)')}`;
    assert.ok(placesOf(exchange).includes('gateway under gateway: GET'), demo.output);
    const lines = demo.output.split('\n');
    const below = lines.slice(
      lines.findIndex((line) => line.includes(exchange) && line.includes('gateway')) + 1,
    );
    const [, phase, ms] = / {2}(\w[\w ]*\w) +(\d+\.\d)$/.exec(below[0] ?? '') ?? [];
    assert.equal(phase, 'retransmit', demo.output);
    // TCP's retransmission timeout is 200 ms at least (RFC 6298).
    assert.ok(Number(ms) >= 200, demo.output);
  });

  it('shows what orders connected to, under the span that asked for it', () => {
    assert.deepEqual(placesOf(`tcp connect ${portOf('PostgreSQL')}`), ['orders under orders: pg.connect']);
    assert.deepEqual(placesOf(`tcp connect ${portOf('Redis')}`), [
      'orders under orders: grpc.shop.Orders/Get',
    ]);
  });

  it('has no span of the network elsewhere, and one root a trace', () => {
    // An exchange of a server, where it is slow, is below who asked.
    const isOfClient = ({ name, service }: Row): boolean => name.startsWith('tcp ') && service !== 'stock';
    for (const row of rows.filter(isOfClient))
      assert.match(parentOf(rows, row), new RegExp(`^${row.service}: `), row.name);
    const trees = [...demo.output.matchAll(/^GET (\/\w+)\/\d+ took /gm)];
    assert.deepEqual(
      rows.filter(({ depth }) => depth === 0).map(({ name }) => name),
      trees.map(([, path]) => `GET ${path}/{id}`),
    );
  });

  it('has a trace of which Jaeger warns nowhere', () => {
    const counts = [...demo.output.matchAll(/^Jaeger's warnings of this trace.*: (\d+)$/gm)];
    assert.ok(counts.length > 0);
    assert.deepEqual(
      counts.map(([, count]) => count),
      counts.map(() => '0'),
    );
  });

  it('leaves no process, file or control group', () => assert.deepEqual(demo.leftovers(), []));
});

describe('the demo, interrupted while it starts', () => {
  const cleanup = new Cleanup();
  after(() => cleanup.run());

  it('ends at once, and leaves nothing', async () => {
    const demo = new Demo(cleanup);
    await waitFor('its first process', () => demo.output.includes('Redis'), WITHIN_MS);
    demo.interrupt();
    assert.equal(await demo.end(), 0, demo.output);
    assert.ok(!demo.output.includes('All of it runs'), demo.output);
    assert.deepEqual(demo.leftovers(), []);
  });
});
