import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { after, describe, it } from 'node:test';
import { agentArgs, runToEnd, startAgent } from '../support/agent.ts';
import { Cleanup } from '../support/cleanup.ts';
import { waitFor } from '../support/wait.ts';

/** Where nothing listens: the agent must run without a collector. */
const NOWHERE = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' };
const OUR_PROGRAM = /^ws_/;

interface KernelProgram {
  readonly id: number;
  readonly name?: string;
}

/** Ids of our own programs in the kernel, by name: bpftool loads objects of its own on every call. */
function listPrograms(): Set<number> {
  const all = JSON.parse(execFileSync('bpftool', ['-j', 'prog', 'show']).toString()) as KernelProgram[];
  return new Set(all.filter(({ name = '' }) => OUR_PROGRAM.test(name)).map(({ id }) => id));
}

const cli = (args: string[], env: Record<string, string> = {}) =>
  runToEnd(process.execPath, agentArgs(...args), { env });

describe('the command line', () => {
  it('a certificate that is not there: status 2 and its name', async () => {
    const env = {
      OTEL_EXPORTER_OTLP_ENDPOINT: 'https://127.0.0.1:9',
      OTEL_EXPORTER_OTLP_CERTIFICATE: '/nonexistent.pem',
    };
    const { code, stderr } = await cli(['run', '--output', 'none'], env);
    assert.equal(code, 2, stderr);
    assert.match(stderr, /trusted certificates file "\/nonexistent\.pem"/);
  });

  it('prints its version and its help', async () => {
    const version = await cli(['--version']);
    assert.equal(version.code, 0);
    assert.match(version.stdout, /^\d+\.\d+\.\d+\n$/);
    const help = await cli(['--help']);
    assert.equal(help.code, 0);
    assert.match(help.stdout, /check-config/);
  });

  it('too few open files: status 3 and one sentence on what to do', async () => {
    const { code, stderr } = await runToEnd('prlimit', [
      '--nofile=60',
      process.execPath,
      ...agentArgs('run', '--output=none'),
    ]);
    assert.deepEqual([code, stderr.trimEnd().split('\n').length], [3, 1], stderr);
    assert.match(stderr, /may have 60 files open.*LimitNOFILE=/);
  });

  it('without privilege: status 3 and one sentence on what is missing', async () => {
    // Root without capabilities: it may still read the project, wherever that is.
    const { code, stderr } = await runToEnd('setpriv', [
      '--bounding-set=-all',
      '--inh-caps=-all',
      process.execPath,
      ...agentArgs('run', '--output=none'),
    ]);
    assert.equal(code, 3, stderr);
    assert.ok(stderr.trimEnd().split('\n').length <= 3, stderr);
    assert.match(stderr, /CAP_BPF|root/);
    assert.doesNotMatch(stderr, /\n\s+at /, 'a stack trace');
  });
});

describe('the end of the agent', () => {
  const cleanup = new Cleanup();
  after(() => cleanup.run());

  for (const end of ['stop', 'kill'] as const) {
    it(`${end === 'stop' ? 'SIGTERM' : 'SIGKILL'} leaves no program in the kernel`, async () => {
      const before = listPrograms();
      const agent = await startAgent(NOWHERE);
      cleanup.add(() => agent.kill());
      const own = [...listPrograms()].filter((id) => !before.has(id));
      assert.ok(own.length > 0, 'it has programs while it runs');
      const { code, signal } = await agent[end]();
      assert.deepEqual(
        { code, signal },
        end === 'stop' ? { code: 0, signal: undefined } : { code: undefined, signal: 'SIGKILL' },
      );
      // The kernel frees programs after a grace period.
      await waitFor('our programs to be gone', () => {
        const now = listPrograms();
        return own.every((id) => !now.has(id));
      });
    });
  }
});
