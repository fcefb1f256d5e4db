import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

const root = dirname(dirname(dirname(import.meta.dirname)));

/** Does `work` with a folder where the named programs are this shell script. */
async function withPrograms<T>(
  names: readonly string[],
  script: string,
  work: (folder: string) => Promise<T> | T,
): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'wirespan-scripts-'));
  try {
    for (const name of names) {
      writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`);
      chmodSync(join(folder, name), 0o755);
    }
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    return !/\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

async function until(what: string, holds: () => boolean): Promise<void> {
  for (let tries = 0; !holds(); tries++) {
    if (tries > 1500) throw new Error(`waited in vain for ${what}`);
    await sleep(10);
  }
}

/** Whatever the set-up runs first takes for ever, and writes down which process it is. */
const FOR_EVER =
  'case "$*" in *-q*) exit 1;; esac; echo $$ > "$FOLDER/pid.new"; mv "$FOLDER/pid.new" "$FOLDER/pid"; exec sleep 600';

/** A signal to the whole group, of which the set-up is told only after what it runs has ended by it. */
const FIRST_TO_GO =
  'case "$*" in *-q*) exit 1;; esac; (while kill -0 $$; do :; done; kill -HUP $PPID) >/dev/null 2>&1 & kill -HUP $$';

describe('a stop during the set-up', () => {
  it('that ends the command that runs first is a stop, no failure', () =>
    withPrograms(['make', 'apt-get'], FIRST_TO_GO, async (folder) => {
      const child = spawn('sh', ['scripts/start.sh'], {
        cwd: root,
        env: { ...process.env, PATH: `${folder}:${process.env['PATH'] ?? ''}` },
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      let stderr = '';
      child.stderr.on('data', (text: Buffer) => (stderr += text.toString()));
      assert.deepEqual(await once(child, 'close'), [129, null], stderr);
      assert.match(stderr, /stopped by SIGHUP/);
    }));

  const stops: Readonly<Record<string, { signal: NodeJS.Signals; toGroup: boolean; ends: string }>> = {
    'SIGTERM to the front alone': { signal: 'SIGTERM', toGroup: false, ends: 'stopped by SIGTERM' },
    'SIGINT to the front alone': { signal: 'SIGINT', toGroup: false, ends: 'stopped by SIGINT' },
    'SIGTERM to the group': { signal: 'SIGTERM', toGroup: true, ends: 'stopped by SIGTERM' },
    'SIGHUP to the group': { signal: 'SIGHUP', toGroup: true, ends: 'stopped by SIGHUP' },
  };
  for (const [name, { signal, toGroup, ends }] of Object.entries(stops)) {
    it(`${name}: the command that runs ends, nothing goes on, the status tells`, () =>
      withPrograms(['make', 'apt-get'], FOR_EVER, async (folder) => {
        const child = spawn('sh', ['scripts/start.sh'], {
          cwd: root,
          env: { ...process.env, PATH: `${folder}:${process.env['PATH'] ?? ''}`, FOLDER: folder },
          stdio: ['ignore', 'ignore', 'pipe'],
          detached: true,
        });
        const pid = child.pid ?? 0;
        let stderr = '';
        child.stderr.on('data', (text: Buffer) => (stderr += text.toString()));
        const closed = once(child, 'close');
        try {
          await until('the set-up to run something', () => existsSync(join(folder, 'pid')));
          process.kill(toGroup ? -pid : pid, signal);
          const status = 128 + { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 }[signal as 'SIGHUP'];
          assert.deepEqual(await closed, [status, null], stderr);
          assert.match(stderr, new RegExp(ends));
          const command = Number(readFileSync(join(folder, 'pid'), 'utf8'));
          await until('the command to end', () => !isAlive(command));
        } finally {
          try {
            process.kill(-pid, 'SIGKILL');
          } catch {
            // It is gone, as it should be.
          }
        }
      }));
  }
});

describe('what is installed', () => {
  it('as root, packages and commands are said before the package manager is called at all', () =>
    withPrograms(['apt-get'], 'echo "apt-get $*" >&2', (folder) => {
      const code = `
        process.getuid = () => 0;
        const { ensurePackages } = await import(${JSON.stringify(join(root, 'scripts', 'packages.mjs'))});
        await ensurePackages(['lint']);`;
      const { stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', code], {
        encoding: 'utf8',
        env: { PATH: folder },
      });
      assert.deepEqual(
        stderr
          .trimEnd()
          .split('\n')
          .map((line) => line.trim()),
        [
          'wirespan: these system packages are missing: clang-format',
          'As root, they are installed on this machine now, with what they depend on and nothing else, by:',
          'apt-get update; apt-get install -y --no-install-recommends clang-format',
          'apt-get -qq update',
          'apt-get install -qq -y --no-install-recommends -o Dpkg::Use-Pty=0 clang-format',
        ],
      );
    }));

  it('no script of a dependency runs, and none has one that is not known here', () => {
    const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
      packages: Record<string, { hasInstallScript?: boolean }>;
    };
    const withScript = Object.entries(lock.packages).filter(([, { hasInstallScript }]) => hasInstallScript);
    // protobufjs: it only warns about the version that a dependent asks for.
    assert.deepEqual(
      withScript.map(([name]) => name),
      ['node_modules/protobufjs'],
    );
  });

  it('npm ci with our settings leaves the script of a dependency alone', () => {
    const folder = mkdtempSync(join(tmpdir(), 'wirespan-npm-'));
    try {
      const packed = (path: string, content: object): void =>
        writeFileSync(join(folder, path, 'package.json'), JSON.stringify(content));
      writeFileSync(join(folder, '.npmrc'), readFileSync(join(root, '.npmrc')));
      spawnSync('mkdir', [join(folder, 'dependency')]);
      packed('dependency', { name: 'd', version: '1.0.0', scripts: { install: `touch ${folder}/ran` } });
      packed('', { name: 'p', version: '1.0.0', dependencies: { d: 'file:dependency' } });
      const npm = (...args: string[]): number | null =>
        spawnSync('npm', [...args, '--install-links', '--offline'], { cwd: folder, stdio: 'ignore' }).status;
      assert.deepEqual([npm('install', '--package-lock-only'), npm('ci')], [0, 0]);
      assert.equal(existsSync(join(folder, 'node_modules', 'd', 'package.json')), true);
      assert.equal(existsSync(join(folder, 'ran')), false);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe('output of the scripts', () => {
  it('nobody has to read it: a set-up whose words go nowhere still works', () => {
    const code = `const { say } = await import(${JSON.stringify(join(root, 'scripts', 'say.mjs'))});
      await say('x'.repeat(100)); await say('y'); console.log('on');`;
    for (const redirect of ['2>/dev/full', '2>&-', '2>&1 >/dev/null']) {
      const command = `'${process.execPath}' --input-type=module -e "$CODE" ${redirect}`;
      const { status } = spawnSync('sh', ['-c', command], { env: { ...process.env, CODE: code } });
      assert.equal(status, 0, redirect);
    }
  });
});
