import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { after, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { agentArgs, cleanEnvironment, NODE_OPTIONS } from '../support/agent.ts';
import { Cleanup } from '../support/cleanup.ts';
import { waitFor } from '../support/wait.ts';

const POLL_MS = 2;
const REPEATS = 20;

interface Run {
  readonly pid: number;
  readonly stderr: () => string;
  readonly ended: Promise<[number | null, NodeJS.Signals | null]>;
}

describe('signals that come before the agent is ready', () => {
  const cleanup = new Cleanup();
  after(() => cleanup.run());

  /** An agent whose code is loaded in part, and whose programs are not: the addon has just been mapped. */
  const startHalfWay = async (): Promise<Run> => {
    const child = spawn(process.execPath, agentArgs('run', '--output=none', '--shutdown.deadline=1s'), {
      env: cleanEnvironment({
        ...NODE_OPTIONS.environment,
        OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9',
      }),
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    cleanup.add(() => child.kill('SIGKILL'));
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    const pid = child.pid ?? 0;
    const ended = once(child, 'close') as Run['ended'];
    while (!readFileSync(`/proc/${pid}/maps`, 'utf8').includes('wirespan.node')) await sleep(POLL_MS);
    assert.doesNotMatch(stderr, /"ready"/, 'it was ready before the test could look');
    return { pid, stderr: () => stderr, ended };
  };
  const repeat = async ({ pid }: Run, signal: NodeJS.Signals): Promise<void> => {
    for (let count = 0; count < REPEATS; count++) {
      try {
        process.kill(pid, signal);
      } catch {
        return;
      }
      await sleep(POLL_MS);
    }
  };

  it('SIGHUP, many times: it becomes ready, and reads its settings again', async () => {
    const run = await startHalfWay();
    await repeat(run, 'SIGHUP');
    await waitFor('ready', () => /"ready"[^]*the settings were read again/.test(run.stderr()));
    process.kill(run.pid, 'SIGTERM');
    assert.deepEqual(await run.ended, [0, null], run.stderr());
  });

  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    it(`${signal}, many times: it ends with status 0, as after a life`, async () => {
      const run = await startHalfWay();
      await repeat(run, signal);
      assert.deepEqual(await run.ended, [0, null], run.stderr());
    });
  }
});
