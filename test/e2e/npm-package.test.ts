/** The npm package as a user has it: made, installed where there is no compiler, run into the collector, removed. */
import assert from 'node:assert/strict';
import {
  globSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { readMetricPoints } from '../backends/otlp.ts';
import { startCollector } from '../backends/run.ts';
import { runToEnd, startCommand, type Ended } from '../support/agent.ts';
import { Cleanup } from '../support/cleanup.ts';
import { makePackages } from '../support/packages.ts';
import { waitFor } from '../support/wait.ts';

const OPENED = 'wirespan.tcp.connection.opened';
/** All that is on the PATH of whoever installs it and runs it. */
const TOOLS = ['node', 'npm', 'sh', 'env', 'dirname', 'readlink'];
const INSTALL_WITHIN_MS = 200_000;

const cleanup = new Cleanup();
const folder = cleanup.makeFolder();
const prefix = join(folder, 'prefix');
const root = join(prefix, 'lib', 'node_modules', 'wirespan');
const PATH = join(folder, 'tools');

function which(name: string): string {
  const places = (process.env['PATH'] ?? '').split(':').map((place) => join(place, name));
  const found = places.find((path) => globSync(path).length > 0);
  assert.ok(found !== undefined, `${name} is not on the PATH`);
  return found;
}

async function succeed(command: string, args: readonly string[]): Promise<Ended> {
  const ended = await runToEnd(command, args, { env: { PATH }, withinMs: INSTALL_WITHIN_MS });
  assert.equal(ended.code, 0, `${command} ${args.join(' ')}:\n${ended.stdout}${ended.stderr}`);
  return ended;
}

function treeBytes(path: string): number {
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0);
}

/** One connection of this process with itself. */
async function connectOnce(): Promise<void> {
  const server = createServer((socket) => socket.end());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  assert.ok(address !== null && typeof address === 'object');
  const client = connect(address.port, '127.0.0.1').resume();
  await new Promise((resolve) => client.once('close', resolve));
  await new Promise((resolve) => server.close(resolve));
}

describe('the npm package', () => {
  let file: string;

  before(async () => {
    ({ npm: file } = await makePackages());
    mkdirSync(PATH);
    for (const tool of TOOLS) symlinkSync(which(tool), join(PATH, tool));
  });
  after(() => cleanup.run());

  it('is installed without a compiler, and has no TypeScript, which Node would refuse there', async (t) => {
    const began = performance.now();
    await succeed(join(PATH, 'npm'), [
      'install',
      '-g',
      '--ignore-scripts',
      '--prefix',
      prefix,
      '--no-audit',
      '--no-fund',
      file,
    ]);
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    const sizes = [
      statSync(file).size,
      treeBytes(root),
      treeBytes(join(root, 'node_modules', `node-linux-${process.arch}`)),
    ];
    const [packed, installed, node] = sizes.map((bytes) => `${(bytes / 1e6).toFixed(1)} MB`);
    t.diagnostic(`package ${packed}; installed ${installed}, Node ${node} of it, in ${seconds} s`);
    assert.ok((sizes[0] ?? Infinity) < 12e6, `${packed} is more than the 12 MB aimed at`);
    assert.deepEqual(
      globSync('{bin,config,hook,native,receiver,scripts,semconv,text}/**/*.ts', { cwd: root }),
      [],
    );
  });

  it('says what is in it: every module, the libraries in the addon, their licences', () => {
    const bill = JSON.parse(readFileSync(join(root, 'sbom.cdx.json'), 'utf8')) as {
      bomFormat: string;
      components: { name: string; group?: string; version: string }[];
    };
    assert.equal(bill.bomFormat, 'CycloneDX');
    const names = bill.components.map(({ group, name }) => (group === undefined ? name : `${group}/${name}`));
    const installed = globSync('{,@*/}*/package.json', { cwd: join(root, 'node_modules') }).map((path) =>
      path.replace('/package.json', ''),
    );
    assert.ok(installed.length > 40, `${installed.length} modules`);
    const listed = new Set(names.map((name) => name.replace(/^.*node_modules\//, '')));
    assert.deepEqual(
      installed.filter((name) => !listed.has(name)),
      [],
    );
    const licences = readFileSync(join(root, 'THIRD_PARTY_LICENSES'), 'utf8');
    for (const name of ['libbpf', 'elfutils', 'zlib']) {
      assert.ok(listed.has(name), name);
      assert.match(licences, new RegExp(`^${name} \\S+ \\(`, 'm'));
    }
  });

  it('has the addon of the hook', async () => {
    const script = `const { loadCalls } = await import('${root}/hook/addon.mjs'); console.log(typeof loadCalls()?.announce);`;
    const { stdout, stderr } = await succeed(join(PATH, 'node'), ['--input-type=module', '-e', script]);
    assert.deepEqual([stdout, stderr], ['function\n', '']);
  });

  it('runs into the collector, with its own libbpf', async (t) => {
    const collector = await startCollector({ outputDir: join(folder, 'collector') });
    cleanup.add(() => collector.stop());
    const config = join(folder, 'wirespan.yaml');
    writeFileSync(
      config,
      `otlp.endpoint: http://127.0.0.1:${collector.grpcPort}\nexport.metrics.interval: 1s\n`,
    );
    const began = performance.now();
    const agent = await startCommand([join(prefix, 'bin', 'wirespan'), 'run', '--config', config], { PATH });
    cleanup.add(() => agent.kill());
    const readyMs = performance.now() - began;
    await connectOnce();
    await waitFor('the first connection at the collector', () =>
      readMetricPoints(collector.metricsFile).some(({ name, value }) => name === OPENED && value > 0),
    );
    t.diagnostic(
      `ready after ${(readyMs / 1000).toFixed(1)} s, at the collector after ${((performance.now() - began) / 1000).toFixed(1)} s`,
    );
    const maps = readFileSync(`/proc/${agent.pid}/maps`, 'utf8');
    assert.match(maps, new RegExp(`${root}/prebuilt/linux-${process.arch}/native/wirespan.node`));
    assert.doesNotMatch(maps, /lib(?:bpf|elf|z)\.so/);
    const { code, stderr } = await agent.stop();
    assert.equal(code, 0, stderr);
  });

  it('says in a sentence what to do when a part of it is gone', async () => {
    const addon = join(root, 'prebuilt', `linux-${process.arch}`, 'native', 'wirespan.node');
    renameSync(addon, `${addon}.away`);
    const { code, stderr } = await runToEnd(join(prefix, 'bin', 'wirespan'), ['run', '--output=none'], {
      env: { PATH },
    });
    renameSync(`${addon}.away`, addon);
    assert.deepEqual(
      [code, stderr],
      [1, `wirespan: The native addon '${addon}' is not built: install wirespan again.\n`],
    );
  });

  it('is removed whole', async () => {
    await succeed(join(PATH, 'npm'), ['uninstall', '-g', '--prefix', prefix, 'wirespan']);
    const left = readdirSync(prefix, { recursive: true, withFileTypes: true }).filter(
      (entry) => !entry.isDirectory(),
    );
    assert.deepEqual(
      left.map(({ name }) => name),
      [],
    );
  });
});
