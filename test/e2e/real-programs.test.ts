import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { findFreePorts } from '../backends/process.ts';
import { runToEnd } from '../support/agent.ts';
import { Cleanup } from '../support/cleanup.ts';
import { observe } from './observe.ts';
import type { Output } from './observe.ts';
import { currentOf, findEvents, findPoints, histogramOf, totalsBy } from './otlp.ts';
import { waitFor } from '../support/wait.ts';

const NGINX = '/usr/sbin/nginx';
const REQUESTS = 7;
const BODY = 'x'.repeat(100_003);
const SETTINGS = {
  WIRESPAN_EVENTS_TCP_CONNECTION_CLOSE: 'on',
  WIRESPAN_METRICS_TCP_CONNECTION_TRANSFER_SIZE: 'on',
};
const EXECUTABLE = 'process.executable.name';
const curl = { resource: { [EXECUTABLE]: 'curl' } };
const nginx = { resource: { [EXECUTABLE]: 'nginx' } };

async function startNginx(cleanup: Cleanup, port: number): Promise<() => Promise<void>> {
  const folder = cleanup.makeFolder();
  mkdirSync(join(folder, 'html'), { mode: 0o755 });
  writeFileSync(join(folder, 'html', 'body.txt'), BODY);
  const config = join(folder, 'nginx.conf');
  writeFileSync(
    config,
    `daemon off; user root; worker_processes 2; pid ${folder}/pid; error_log stderr;
     events { worker_connections 64; }
     http { access_log off; server { listen 127.0.0.1:${port}; root ${folder}/html; } }\n`,
  );
  const child = spawn(NGINX, ['-p', folder, '-c', config], { stdio: ['ignore', 'ignore', 'inherit'] });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    await ended;
  };
  cleanup.add(stop);
  await waitFor('nginx to listen', () => child.exitCode !== null || isListening(port));
  return stop;
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('error', () => resolve(false));
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
  });
}

/** What Prometheus reads: the sum of a metric's series with all of these labels. */
async function prometheusTotal(port: number, name: string, labels: Record<string, string>): Promise<number> {
  const answer = await fetch(`http://127.0.0.1:${port}/metrics`);
  assert.equal(answer.status, 200);
  const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
  return (await answer.text())
    .split('\n')
    .filter((line) => line.startsWith(`${name}{`) && wanted.every((label) => line.includes(label)))
    .reduce((total, line) => total + valueOf(line), 0);
}

/** The value of a line of the exposition stands behind its labels; a time may follow. */
function valueOf(line: string): number {
  return Number(line.slice(line.lastIndexOf('}') + 1).split(' ')[1]);
}

describe('curl and nginx as Debian ships them', () => {
  const cleanup = new Cleanup();
  let port = 0;
  let refusedPort = 0;
  let output: Output;
  let listenersWhileUp: number | undefined;
  let headerBytes = 0;

  before(async () => {
    assert.ok(existsSync(NGINX), 'nginx is not installed: npm test installs it');
    let prometheusPort: number;
    [port, prometheusPort] = (await findFreePorts(2)) as [number, number];
    const { finish, read } = await observe(cleanup, { settings: SETTINGS, prometheusPort });
    const stop = await startNginx(cleanup, port);
    for (let n = 0; n < REQUESTS; n += 1) {
      const url = `http://127.0.0.1:${port}/body.txt`;
      const { code, stdout } = await runToEnd('curl', ['-s', '-o', '/dev/null', '-w', '%{size_header}', url]);
      assert.equal(code, 0);
      headerBytes += Number(stdout);
    }
    // A port that was free before the collector started may be the collector's by now.
    [refusedPort] = (await findFreePorts(1)) as [number];
    const refused = await runToEnd('curl', ['-s', `http://127.0.0.1:${refusedPort}/`]);
    assert.equal(refused.code, 7, 'curl must be refused');
    const listeners = (): number | undefined =>
      currentOf(read().metrics, 'wirespan.tcp.listener.count', {
        ...nginx,
        attributes: { 'server.port': port },
      });
    await waitFor('the listener of nginx', () => (listeners() ?? 0) > 0);
    listenersWhileUp = listeners();
    // Each curl and each worker is a process of its own: none may hide another of the same name.
    for (const job of ['curl', 'nginx']) {
      const labels = { job, server_port: String(port) };
      await waitFor(`what Prometheus reads of ${job}`, async () => {
        const total = await prometheusTotal(prometheusPort, 'wirespan_tcp_connection_opened_total', labels);
        return total >= REQUESTS;
      });
    }
    await stop();
    output = await finish();
  });
  after(() => cleanup.run());

  it('counts the connections of curl, and the one that was refused', () => {
    const opened = totalsBy(findPoints(output.metrics, 'wirespan.tcp.connection.opened', curl), [
      'wirespan.tcp.handshake.role',
      'server.port',
      'error.type',
    ]);
    assert.deepEqual(opened, {
      [`client|${port}|`]: REQUESTS,
      [`client|${refusedPort}|connection_refused`]: 1,
    });
    const failures = findEvents(output.logs, 'wirespan.tcp.connection.fail', {
      attributes: { [EXECUTABLE]: 'curl' },
    });
    assert.deepEqual(
      failures.map(({ attributes }) => [attributes['server.port'], attributes['error.type']]),
      [[refusedPort, 'connection_refused']],
    );
  });

  it('gives each connection to the nginx worker that served it', () => {
    const closes = findEvents(output.logs, 'wirespan.tcp.connection.close', {
      attributes: { [EXECUTABLE]: 'nginx', 'wirespan.tcp.handshake.role': 'server' },
    }).filter(({ attributes }) => Number(attributes['wirespan.tcp.connection.bytes_received']) > 0);
    assert.equal(closes.length, REQUESTS);
    const bytes = closes.reduce(
      (total, { attributes }) => total + Number(attributes['wirespan.tcp.connection.bytes_sent']),
      0,
    );
    assert.equal(bytes, REQUESTS * BODY.length + headerBytes);
  });

  it('counts what was transferred as curl counts it', () => {
    const direction = 'network.io.direction';
    const io = totalsBy(findPoints(output.metrics, 'wirespan.tcp.io', curl), [direction]);
    assert.equal(io['receive'], REQUESTS * BODY.length + headerBytes);
    const received = { ...curl, attributes: { [direction]: 'receive' } };
    const sizes = histogramOf(output.metrics, 'wirespan.tcp.connection.transfer.size', received);
    assert.deepEqual(sizes, { count: REQUESTS, sum: REQUESTS * BODY.length + headerBytes });
  });

  it('counts the listener of nginx', () => {
    assert.equal(listenersWhileUp, 1);
  });
});
