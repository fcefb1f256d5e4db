/** The Debian package as an administrator has it, in a root of its own: installed, run as its unit says, upgraded, purged. */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  globSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, it } from 'node:test';
import { readMetricPoints } from '../backends/otlp.ts';
import { startCollector } from '../backends/run.ts';
import { startCommand } from '../support/agent.ts';
import { Cleanup } from '../support/cleanup.ts';
import { makePackages } from '../support/packages.ts';
import { waitFor } from '../support/wait.ts';
import { DebianRoot, fieldOf } from './deb-root.ts';

const CONFIG = 'etc/wirespan/wirespan.yaml';
const UNIT = 'lib/systemd/system/wirespan.service';
const WANTED = 'etc/systemd/system/multi-user.target.wants/wirespan.service';
/** Weaker than this the unit shall not be; 10 is no protection at all. */
const MOST_EXPOSED = 4;

/** Binds the socket as systemd does, open to every user, and prints what comes. */
const MANAGER = `
import os, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
os.chmod(sys.argv[1], 0o666)
print('bound', flush=True)
while True: print(s.recv(4096).decode(), flush=True)
`;

const cleanup = new Cleanup();
const folder = cleanup.makeFolder();

/** The value of a setting of the unit. */
function setting(unit: string, name: string): string {
  const value = new RegExp(`^${name}=(.*)$`, 'm').exec(unit)?.[1];
  assert.ok(value !== undefined, name);
  return value;
}

/** What systemd would start: the command, as the user, with the capabilities of the unit and no others. */
function commandOf(unit: string): string[] {
  const capabilities = setting(unit, 'AmbientCapabilities')
    .toLowerCase()
    .replaceAll('cap_', '+')
    .replaceAll(' ', ',');
  const user = setting(unit, 'User');
  const sets = ['--inh-caps', '--ambient-caps', '--bounding-set'].map((set) => `${set}=-all,${capabilities}`);
  const setpriv = [
    'setpriv',
    `--reuid=${user}`,
    `--regid=${user}`,
    '--clear-groups',
    '--no-new-privs',
    ...sets,
  ];
  return [...setpriv, ...setting(unit, 'ExecStart').split(' ')];
}

/** The same package with a later version and another file of settings. */
function laterVersion(deb: string): string {
  const tree = join(folder, 'later');
  execFileSync('dpkg-deb', ['-R', deb, tree]);
  const control = join(tree, 'DEBIAN', 'control');
  writeFileSync(control, readFileSync(control, 'utf8').replace(/^Version: .*$/m, 'Version: 99.0.0'));
  appendFileSync(join(tree, CONFIG), '\n# of the later version\n');
  const path = join(folder, 'later.deb');
  execFileSync('dpkg-deb', ['-Znone', '-b', tree, path], { stdio: ['ignore', 'ignore', 'inherit'] });
  return path;
}

describe('the Debian package', () => {
  let deb: string;
  let root: DebianRoot;
  let began: number;

  const install = (path: string): void => {
    copyFileSync(path, root.path('tmp/it.deb'));
    root.run('dpkg', '--force-unsafe-io', '--force-confdef', '--force-confold', '-i', '/tmp/it.deb');
  };

  before(async () => {
    ({ deb } = await makePackages());
    began = performance.now();
    root = new DebianRoot(cleanup, deb);
  });
  after(() => cleanup.run());

  it('is installed with what it depends on alone', (t) => {
    const rootMs = performance.now() - began;
    install(deb);
    assert.match(root.run('dpkg', '-s', 'wirespan'), /^Status: install ok installed$/m);
    const version = fieldOf(deb, 'Version');
    assert.equal(root.run('wirespan', '--version'), `${version}\n`);
    const megabytes = (statSync(deb).size / 1e6).toFixed(1);
    t.diagnostic(
      `package ${megabytes} MB, installed ${(Number(fieldOf(deb, 'Installed-Size')) / 1e3).toFixed(0)} MB; root made in ${(rootMs / 1000).toFixed(0)} s`,
    );
  });

  it('has a user, a unit that is enabled, settings that only that user reads, a manual, completions', () => {
    assert.match(root.read('etc/passwd'), /^wirespan:.*:\/usr\/sbin\/nologin$/m);
    assert.equal(root.run('readlink', `/${WANTED}`), `/${UNIT}\n`);
    assert.equal(root.run('stat', '-c', '%U:%G %a', `/${CONFIG}`), 'root:wirespan 640\n');
    assert.match(
      execFileSync('zcat', [root.path('usr/share/man/man1/wirespan.1.gz')], { encoding: 'utf8' }),
      /^\.TH /m,
    );
    root.run('bash', '-n', '/usr/share/bash-completion/completions/wirespan');
    for (const path of [
      'usr/share/zsh/vendor-completions/_wirespan',
      'usr/share/fish/vendor_completions.d/wirespan.fish',
    ])
      assert.ok(statSync(root.path(path)).size > 0, path);
  });

  it('has the documents, whose links lead to each other, and the schema of the settings that they name', () => {
    const documents = root.path('usr/share/doc/wirespan');
    const paths = globSync('**/*.md', { cwd: documents });
    assert.ok(paths.includes('installing.md') && paths.length > 50, `${paths.length} documents`);
    const links = paths.flatMap((path) =>
      [...readFileSync(join(documents, path), 'utf8').matchAll(/\]\(([^):#\s]+\.md)/g)].map(([, to = '']) =>
        join(path, '..', to),
      ),
    );
    // What lies beside docs/ in the project is in no package.
    const inside = links.filter((link) => !link.startsWith('..'));
    assert.ok(inside.length > 50, `${inside.length} links`);
    assert.deepEqual(
      inside.filter((link) => !existsSync(join(documents, link))),
      [],
    );
    assert.ok(existsSync(root.path('usr/lib/wirespan/config/wirespan.schema.json')));
  });

  it('has a unit that systemd takes, and that gives little away', (t) => {
    assert.equal(root.run('sh', '-c', `systemd-analyze verify --man=no /${UNIT} 2>&1`), '');
    const told = root.run('systemd-analyze', 'security', '--no-pager', '--offline=true', `/${UNIT}`);
    const exposure = Number(/exposure level for wirespan\.service: ([\d.]+)/.exec(told)?.[1]);
    t.diagnostic(`systemd-analyze security: ${exposure}`);
    assert.ok(exposure < MOST_EXPOSED, told);
  });

  it('runs as its unit says: the manager is told, and the collector gets metrics', async () => {
    const socket = root.path('run/notify');
    const manager = spawn('python3', ['-c', MANAGER, socket], { stdio: ['ignore', 'pipe', 'inherit'] });
    cleanup.add(() => manager.kill('SIGKILL'));
    const lines = createInterface({ input: manager.stdout })[Symbol.asyncIterator]();
    assert.equal((await lines.next()).value, 'bound');
    const collector = await startCollector({ outputDir: join(folder, 'collector') });
    cleanup.add(() => collector.stop());
    appendFileSync(
      root.path(CONFIG),
      `otlp.endpoint: http://127.0.0.1:${collector.grpcPort}\nexport.metrics.interval: 1s\n`,
    );
    const line = root.line(...commandOf(root.read(UNIT)));
    const agent = await startCommand(line, {
      NOTIFY_SOCKET: '/run/notify',
      PATH: '/usr/bin:/bin:/usr/sbin:/sbin',
    });
    cleanup.add(() => agent.kill());
    assert.equal((await lines.next()).value, 'READY=1');
    const owner = /^wirespan:[^:]*:(\d+)/m.exec(root.read('etc/passwd'))?.[1];
    assert.equal(/^Uid:\s+(\d+)/m.exec(readFileSync(`/proc/${agent.pid}/status`, 'utf8'))?.[1], owner);
    await waitFor('metrics at the collector', () =>
      readMetricPoints(collector.metricsFile).some(({ name }) => name === 'wirespan.agent.probe.status'),
    );
    const { code, stderr } = await agent.stop();
    assert.equal(code, 0, stderr);
    assert.equal((await lines.next()).value, 'STOPPING=1');
  });

  it('keeps changed settings in an upgrade, with the new ones beside them', () => {
    const changed = root.read(CONFIG);
    install(laterVersion(deb));
    assert.match(root.run('dpkg', '-s', 'wirespan'), /^Version: 99\.0\.0$/m);
    assert.equal(root.read(CONFIG), changed);
    assert.match(root.read(`${CONFIG}.dpkg-dist`), /# of the later version/);
    assert.equal(root.run('stat', '-c', '%U:%G %a', `/${CONFIG}`), 'root:wirespan 640\n');
  });

  it('leaves the settings when it is removed, and nothing when it is purged', () => {
    root.run('dpkg', '-r', 'wirespan');
    assert.deepEqual(
      [existsSync(root.path(CONFIG)), existsSync(root.path('usr/bin/wirespan'))],
      [true, false],
    );
    root.run('mkdir', '-p', '/var/cache/wirespan/v8');
    root.run('dpkg', '--purge', 'wirespan');
    assert.equal(root.run('find', '/', '-xdev', '-path', '*wirespan*'), '');
  });
});
