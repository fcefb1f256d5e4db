/**
 * kill -9 at any moment, from before the programs are loaded to after they are attached: the kernel keeps nothing, and the next
 * run counts from zero what happens in it. `WIRESPAN_TEST_KILLS=100` by hand.
 */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { readdirSync, readlinkSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { agentArgs, agentSettings, cleanEnvironment, hasLine, startAgent } from '../support/agent.ts';
import { Cleanup } from '../support/cleanup.ts';
import { TcpScript } from '../support/script.ts';
import { waitFor } from '../support/wait.ts';
import { observe } from './observe.ts';
import { totalOf } from './otlp.ts';

const KILLS = Number(process.env['WIRESPAN_TEST_KILLS'] ?? 6) || 6;
const NOWHERE = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' };
const BYTES = 50_021;
/** Until then nothing is loaded, on any machine; and so long after it was ready it is killed at the latest. */
const [EARLY_MS, LATE_MS] = [150, 1_000];
const KINDS = ['prog', 'map', 'link'] as const;

/** Programs, maps and links in the kernel, of whomever. */
function inKernel(): Set<string> {
  return new Set(
    KINDS.flatMap((kind) => {
      const all = JSON.parse(execFileSync('bpftool', ['-j', kind, 'show']).toString()) as { id: number }[];
      return all.map(({ id }) => `${kind} ${id}`);
    }),
  );
}

/** How many programs, maps and links a process holds. */
function heldBy(pid: number): number {
  const files = readdirSync(`/proc/${pid}/fd`).map((fd) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`);
    } catch {
      return ''; // closed meanwhile
    }
  });
  return files.filter((target) => /bpf-(?:prog|map)|bpf_link/.test(target)).length;
}

/** An agent that was started a moment ago, and its log so far. */
interface Started {
  readonly pid: number;
  readonly said: () => string;
}

describe('kill -9', () => {
  const cleanup = new Cleanup();
  /** Programs, maps and links of one that is ready. */
  let whole: number;
  let script: TcpScript;
  let toSelf: { listener: number; port: number };

  before(async () => {
    ({ script } = TcpScript.open(cleanup));
    toSelf = await script.listen();
    const agent = await startAgent(NOWHERE);
    whole = heldBy(agent.pid);
    await agent.kill();
  });
  after(() => cleanup.run());

  /** A connection of the script with itself, of so many bytes, from beginning to end. */
  async function connectOnce(bytes: number): Promise<void> {
    const [client, server] = [script.next(), script.next()];
    await script.run('socket', client);
    await script.run('connect', client, toSelf.port);
    await script.run('accept', server, toSelf.listener);
    await script.run('fill', client, bytes);
    await script.run('read', server, bytes);
    await script.run('close', client);
    await script.run('close', server);
  }

  it('leaves nothing of the agent in the kernel, whenever it comes', async (t) => {
    await waitFor('the first agent to be gone', () => hasNoneOfOurs());
    const others = inKernel();
    const moments: readonly ((child: Started) => Promise<void>)[] = [
      async () => void (await sleep(Math.random() * EARLY_MS)),
      async ({ pid }) => {
        const some = 1 + Math.random() * (whole - 2);
        await waitFor('some to be loaded', () => heldBy(pid) >= some);
      },
      async ({ said }) => {
        await waitFor('it to be ready', () => hasReadyLine(said()));
        await sleep(Math.random() * LATE_MS);
      },
    ];
    const held: number[] = [];
    for (let i = 0; i < KILLS; i += 1) {
      const line = agentArgs('run', '--output=none');
      const child = spawn(process.execPath, line, {
        env: cleanEnvironment(agentSettings(NOWHERE)),
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      cleanup.add(() => void child.kill('SIGKILL'));
      let said = '';
      child.stderr.setEncoding('utf8').on('data', (chunk: string) => (said += chunk));
      const ended = new Promise((resolve) => child.once('close', resolve));
      const traffic = connectOnce(BYTES);
      const pid = child.pid ?? 0;
      await moments[i % moments.length]?.({ pid, said: () => said });
      held.push(heldBy(pid));
      child.kill('SIGKILL');
      await ended;
      await traffic;
      let left: string[] = [];
      await waitFor('the kernel to let go of all', () => {
        left = [...inKernel()].filter((each) => !others.has(each));
        return left.length === 0;
      }).catch((error: unknown) => assert.fail(`${String(error)}: ${left.join(', ')}`));
    }
    t.diagnostic(`of ${whole} programs, maps and links they had ${held.join(', ')}`);
    assert.equal(held.length, KILLS);
  });

  it('the next run counts from zero, with a start time of its own', async () => {
    const beganNs = BigInt(Date.now()) * 1_000_000n;
    const observation = await observe(cleanup);
    await connectOnce(BYTES);
    const { metrics } = await observation.finish();
    const where = { pids: new Set([script.pid]), attributes: { 'server.port': toSelf.port } };
    assert.equal(totalOf(metrics, 'wirespan.tcp.io', where), 2 * BYTES);
    assert.equal(totalOf(metrics, 'wirespan.tcp.connection.closed', where), 2);
    const sums = metrics.filter(({ name }) => name.startsWith('wirespan.tcp.'));
    assert.ok(sums.length > 0);
    for (const { name, startNs } of sums) assert.ok(startNs >= beganNs, name);
  });
});

function hasReadyLine(text: string): boolean {
  const lines = text
    .split('\n')
    .flatMap((line) => (line.startsWith('{') && line.endsWith('}') ? [line] : []));
  return hasLine(
    lines.map((line) => JSON.parse(line) as { msg: string }),
    'ready',
  );
}

/** No program of ours is in the kernel any more. */
function hasNoneOfOurs(): boolean {
  const all = JSON.parse(execFileSync('bpftool', ['-j', 'prog', 'show']).toString()) as { name?: string }[];
  return !all.some(({ name = '' }) => name.startsWith('ws_'));
}
