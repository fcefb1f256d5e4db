/** Standard output and error are pipes, sockets, files or nothing, and do not take what the agent writes. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { openSync, closeSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Cleanup } from '../support/cleanup.ts';
import { processesBelow } from './npm-start.ts';
import { agentCommand, startStreamed, type Streamed } from './streamed-agent.ts';
import { StreamRig } from './stream-rig.ts';
import { waitFor } from '../support/wait.ts';

/** Lines of 2 KB: more than a pipe and the 256 KiB that wait for a reader. */
const LINES = 211;
/** More than a disk of 64 KiB. */
const DISK_LINES = 61;
const MISSING = 'lines of this output are missing: it failed with ENOSPC for a while';

describe('standard streams that take nothing', () => {
  const cleanup = new Cleanup();
  let rig: StreamRig;

  before(async () => {
    rig = await StreamRig.start(cleanup);
  });
  after(() => cleanup.run());

  /** Lines until some are dropped, which is exported. */
  const fill = async (agent: Streamed): Promise<void> => {
    await rig.lines.provoke(agent.pid, LINES);
    await waitFor('lines to be dropped', () => rig.dropped(agent, 'stderr') > 0);
  };

  it('a full pipe that nobody reads', async () => {
    const pipe = join(cleanup.makeFolder(), 'pipe');
    execFileSync('mkfifo', [pipe]);
    const reader = openSync(pipe, 'r+');
    const writer = openSync(pipe, 'w');
    const agent = startStreamed(cleanup, agentCommand('--output=none'), {
      settings: rig.settings(),
      stdio: ['ignore', 'ignore', writer],
    });
    closeSync(writer);
    await rig.endures({ agent, begin: () => fill(agent) });
    closeSync(reader);
  });

  it('a full socket that nobody reads', async () => {
    // What Node gives a child as a pipe is a socket; it reads nothing before somebody listens.
    const agent = startStreamed(cleanup, agentCommand('--output=none'), {
      settings: rig.settings(),
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    await rig.endures({ agent, begin: () => fill(agent) });
  });

  for (const [name, shell] of Object.entries({
    'the live view into head': '"$@" 2>"$0.log" | head -n1 >"$0"; exit "${PIPESTATUS[0]}"',
    'the live view and the log into head': '"$@" 2>&1 | head -n1 >"$0"; exit "${PIPESTATUS[0]}"',
  })) {
    it(`${name}, which has enough after one line`, async () => {
      const read = join(cleanup.makeFolder(), 'read');
      const bash = startStreamed(cleanup, ['bash', '-c', shell, read, ...agentCommand('--output=json')], {
        settings: rig.settings(),
        stdio: 'ignore',
      });
      const find = (): { readonly pid: number } | undefined =>
        processesBelow(bash.pid).find(({ command }) => command.includes('main.ts'));
      await waitFor('the agent', () => find() !== undefined);
      const agent = { pid: find()?.pid ?? 0, status: bash.status };
      cleanup.add(() => {
        if (bash.status() === undefined) process.kill(agent.pid, 'SIGKILL');
      });
      const begin = (): Promise<void> =>
        waitFor('head to have enough', () =>
          processesBelow(bash.pid).every(({ command }) => !command.startsWith('head')),
        );
      await rig.endures({ agent, begin });
      assert.equal(readFileSync(read, 'utf8').split('\n').length, 2, 'one line was read');
      if (!shell.includes('.log')) return;
      assert.match(readFileSync(`${read}.log`, 'utf8'), /nobody reads the live view any more/);
    });
  }

  it('a full disk: what it did not take is counted and said when there is room again', async () => {
    const disk = cleanup.makeFolder();
    const script = 'mount -t tmpfs -o size=64k,mode=755 none "$0" && mkdir "$0/d" && exec "$@" 2>>"$0/d/log"';
    const agent = startStreamed(
      cleanup,
      ['unshare', '-m', 'sh', '-c', script, disk, ...agentCommand('--output=none')],
      {
        settings: rig.settings(),
        stdio: 'ignore',
      },
    );
    // The disk is the agent's alone.
    const path = (name: string): string => `/proc/${agent.pid}/root${disk}/d/${name}`;
    const log = (): string => readFileSync(path('log'), 'utf8');
    const missing = (): number => rig.lines.sent - rig.lines.countIn(log());
    let lost = 0;
    await rig.endures({
      agent,
      begin: async () => {
        writeFileSync(path('other'), Buffer.alloc(24 * 1024));
        await rig.lines.provoke(agent.pid, DISK_LINES);
        await waitFor(
          'every line to be there or dropped',
          () => missing() > 0 && rig.dropped(agent, 'stderr') === missing(),
        );
        lost = missing();
      },
      heal: async () => {
        rmSync(path('other'));
        await rig.lines.provoke(agent.pid, 3);
        await waitFor('it to be said', () => log().includes(MISSING));
        const said =
          log()
            .split('\n')
            .find((line) => line.includes(MISSING)) ?? '{}';
        const { stream, dropped } = JSON.parse(said) as Record<string, unknown>;
        assert.deepEqual([stream, dropped, missing()], ['stderr', lost, lost]);
      },
    });
    assert.ok(lost > 10, `${lost} lines were dropped`);
    assert.equal(rig.dropped(agent, 'stderr'), lost);
  });

  it('no standard stream at all', async () => {
    const agent = startStreamed(
      cleanup,
      ['sh', '-c', 'exec "$@" <&- >&- 2>&-', 'sh', ...agentCommand('--output=json')],
      {
        settings: rig.settings(),
        stdio: 'ignore',
      },
    );
    await rig.endures({ agent, begin: () => rig.lines.provoke(agent.pid, LINES) });
    assert.equal(rig.dropped(agent, 'stderr'), 0);
  });
});
