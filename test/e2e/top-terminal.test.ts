/** `wirespan top` and the terminal that it takes: given back as it was, however it ends. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { agentArgs, runToEnd } from '../support/agent.ts';
import { Cleanup } from '../support/cleanup.ts';
import { waitFor } from '../support/wait.ts';
import { commandLine, Tmux } from './tmux.ts';

const COLOUR = /\x1b\[(?:\d+;)*(?:3\d|4\d|9\d|10\d)(?:;\d+)*m/;

describe('the terminal of wirespan top', () => {
  const cleanup = new Cleanup();
  after(() => cleanup.run());

  it('gives the terminal back after q, Ctrl-C, signals and a crash', async () => {
    const folder = cleanup.makeFolder();
    const crash = join(folder, 'crash.mjs');
    writeFileSync(crash, "process.on('SIGUSR2', () => { throw new Error('on purpose'); });\n");
    const tmux = new Tmux(cleanup, { width: 80, height: 24 });
    const before = await tmux.settings(folder, 'before');
    const ends: Readonly<
      Record<string, readonly [end: (pid: number) => void, status: number, words?: RegExp]>
    > = {
      q: [() => tmux.press('q'), 0],
      'ctrl-c': [() => tmux.press('C-c'), 0],
      term: [(pid) => process.kill(pid, 'SIGTERM'), 0],
      hup: [(pid) => process.kill(pid, 'SIGHUP'), 0],
      crash: [(pid) => process.kill(pid, 'SIGUSR2'), 1, /Error: on purpose/],
    };
    for (const [name, [end, status, words]] of Object.entries(ends)) {
      const pidFile = join(folder, `${name}.pid`);
      tmux.enter('clear');
      tmux.enter(
        `(echo $BASHPID > ${pidFile}; exec ${commandLine(['top'], ['--import', crash])}); echo status=$?`,
      );
      await tmux.shows(/^\[1 Connections\]/m);
      assert.ok(tmux.isTaken, name);
      end(Number(readFileSync(pidFile, 'utf8')));
      const left = await tmux.shows(/^status=\d+$/m);
      assert.match(left, new RegExp(`^status=${status}$`, 'm'), name);
      if (words !== undefined) assert.match(left, words);
      assert.ok(!tmux.isTaken && tmux.hasCursor, name);
      assert.equal(await tmux.settings(folder, name), before, name);
    }
  });

  it('stands still with Ctrl-Z and goes on with fg', async () => {
    const folder = cleanup.makeFolder();
    const tmux = new Tmux(cleanup, { width: 80, height: 24 });
    const before = await tmux.settings(folder, 'before');
    tmux.enter(commandLine(['top']));
    await tmux.shows(/^\[1 Connections\]/m);
    tmux.press('C-z');
    await tmux.shows(/Stopped/);
    assert.ok(!tmux.isTaken && tmux.hasCursor);
    assert.equal(await tmux.settings(folder, 'stopped'), before);
    tmux.enter('fg');
    await tmux.shows(/^\[1 Connections\]/m);
    assert.ok(tmux.isTaken && !tmux.hasCursor);
    // Keys come one by one again.
    tmux.press('2');
    await tmux.shows(/\[2 Processes\]/);
    tmux.press('q');
    await tmux.given();
    assert.equal(await tmux.settings(folder, 'after'), before);
  });

  it('has colours, and none with NO_COLOR', async () => {
    const logs: Record<string, string> = {};
    for (const [name, env] of Object.entries({ with: {}, without: { NO_COLOR: '1' } })) {
      const tmux = new Tmux(cleanup, { width: 80, height: 24, env });
      tmux.enter(commandLine(['top', '-n', '2', '-d', '0.5']));
      await tmux.shows(/^\[1 Connections\]/m);
      await waitFor('its end', () => !tmux.isTaken);
      logs[name] = readFileSync(tmux.log, 'utf8');
    }
    assert.match(logs['with'] ?? '', COLOUR);
    assert.match(logs['without'] ?? '', /\x1b\[[\d;]*7m/);
    assert.doesNotMatch(logs['without'] ?? '', COLOUR);
  });

  it('says what to use instead where there is no terminal, and takes no options that make no sense', async () => {
    const says = async (...words: readonly string[]): Promise<unknown[]> => {
      const { code, stdout, stderr } = await runToEnd(process.execPath, agentArgs(...words));
      return [code, stdout, stderr];
    };
    const instead = 'use wirespan tcptop, or wirespan tcptop --json for programs';
    assert.deepEqual(await says('top'), [
      2,
      '',
      `wirespan: wirespan top: standard output: is no terminal: ${instead}\n`,
    ]);
    assert.deepEqual(await says('top', '--json'), [
      2,
      '',
      `wirespan: wirespan top: --json: does not go with a whole terminal: ${instead}\n`,
    ]);
    const [code, help] = await says('top', '--help');
    assert.equal(code, 0);
    assert.match(String(help), /-d, --delay SECONDS/);
  });
});
