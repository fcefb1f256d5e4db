/** The examples of docs/hook.md in other languages: what they send is lost once, and is then of the span that they said. */
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { projectFolder } from '../backends/place.ts';
import { Cleanup } from '../support/cleanup.ts';
import { plain, type Stage } from './rig/conversation.ts';
import { openStage } from './rig/stage.ts';
import { newContext } from '../support/traceparent.ts';

const FOLDER = join(projectFolder, 'examples', 'announce');
const PING_BYTES = 5;

interface Example {
  readonly file: string;
  /** What it takes to run it, with the argument that asks it for its version. */
  readonly tool: readonly [command: string, version: string];
  /** Makes it, in that folder: the command that runs it. */
  readonly make: (source: string, folder: string) => readonly string[];
}

const EXAMPLES: readonly Example[] = [
  { file: 'announce.py', tool: ['python3', '--version'], make: (source) => ['python3', source] },
  {
    file: 'announce.c',
    tool: ['cc', '--version'],
    make: (source, folder) => built('cc', ['-Wall', '-Wextra', '-Werror', '-o', join(folder, 'c'), source]),
  },
  {
    file: 'announce.go',
    tool: ['go', 'version'],
    make: (source, folder) => built('go', ['build', '-o', join(folder, 'go'), source]),
  },
];

/** Its program is what follows `-o`. */
function built(compiler: string, args: readonly string[]): readonly string[] {
  execFileSync(compiler, args, { stdio: 'pipe' });
  return [args[args.indexOf('-o') + 1] ?? ''];
}

function whySkip([command, version]: Example['tool']): string | false {
  return spawnSync(command, [version]).status === 0 ? false : `there is no ${command} here`;
}

describe('examples of announcements', () => {
  const cleanup = new Cleanup();
  let stage: Stage;

  before(async () => {
    stage = await openStage(cleanup);
  });
  after(() => cleanup.run());

  for (const { file, tool, make } of EXAMPLES)
    test(file, { skip: whySkip(tool) }, async () => {
      const { script, room, dropper, port, listener, watcher } = stage;
      const context = newContext();
      const program = make(join(FOLDER, file), cleanup.makeFolder());
      dropper.lose(port);
      const args = ['127.0.0.1', String(port), context.traceId, context.spanId];
      const child = spawn('ip', ['netns', 'exec', room.name, ...program, ...args], { stdio: 'inherit' });
      cleanup.add(() => void child.kill('SIGKILL'));
      const ended = once(child, 'close');
      const server = script.next();
      await script.run('accept', server, listener);
      await script.run('read', server, PING_BYTES);
      await script.run('close', server);
      assert.deepEqual(await ended, [0, null]);
      const again = watcher
        .retransmits(room.inode)
        .filter(({ context: of }) => of?.traceId === context.traceId);
      assert.ok(again.length > 0, 'a lost segment is of the span');
      for (const { context: of, endpoints } of again)
        assert.deepEqual([plain(of), of?.method, endpoints.peerPort], [context, 'sdk_hook', port]);
    });
});
