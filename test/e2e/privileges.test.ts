/** What the agent may still do when it runs, and that it can do its work with that. */
import assert from 'node:assert/strict';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { capabilityMask } from '../../native/capabilities.ts';
import { kernelHasType } from '../../native/index.ts';
import { NetNamespace } from '../support/net-namespace.ts';
import { PROGRAM, TcpScript } from '../support/script.ts';
import { startAgent } from '../support/agent.ts';
import { Cleanup } from '../support/cleanup.ts';
import { observe, type Observation, type Output } from './observe.ts';
import { totalOf } from './otlp.ts';
import { waitFor } from '../support/wait.ts';

const KEPT = ['CAP_DAC_READ_SEARCH', 'CAP_SYS_PTRACE', 'CAP_SYSLOG', 'CAP_BPF'];
const NOBODY = ['--reuid=65534', '--regid=65534', '--clear-groups'];
const OPENED = 'wirespan.tcp.connection.opened';
const BEFORE = 7;
const AFTER = 11;

/** Field of each thread's status, e.g. `CapEff`: its distinct values over the process. */
function threads(pid: number, field: string): string[] {
  const values = readdirSync(`/proc/${pid}/task`).map((thread) => {
    const status = readFileSync(`/proc/${pid}/task/${thread}/status`, 'latin1');
    return new RegExp(`^${field}:\\s*(\\S+)$`, 'm').exec(status)?.[1] ?? '';
  });
  return [...new Set(values)];
}

/** The four sets and the flag, of every thread. */
function privilegesOf(pid: number): Record<string, string[]> {
  const fields = ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb', 'NoNewPrivs'];
  return Object.fromEntries(fields.map((field) => [field, threads(pid, field)]));
}

function set(...names: string[]): string[] {
  return [capabilityMask(names).toString(16).padStart(16, '0')];
}

/** Listening TCP sockets of a process, by the kernel's table. */
function listening(pid: number): string[] {
  const own = new Set(
    readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
      try {
        return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1] ?? [];
      } catch {
        return []; // closed meanwhile
      }
    }),
  );
  return ['tcp', 'tcp6'].flatMap((table) =>
    readFileSync(`/proc/${pid}/net/${table}`, 'latin1')
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .filter(([, , , state, , , , , , inode = '']) => state === '0A' && own.has(inode))
      .map(([, local = '']) => local),
  );
}

const serviceOf = (name: string): string => `service-of-${name}`;

/** A program of another user in a network namespace of its own, whose service has another name. */
function startOther(cleanup: Cleanup, name: string): TcpScript {
  const room = new NetNamespace();
  cleanup.add(() => room.remove());
  // Builds the program.
  const first = TcpScript.start(room);
  cleanup.add(() => first.stop());
  const folder = cleanup.makeFolder();
  chmodSync(folder, 0o755);
  const [program, launcher] = [join(folder, name), join(folder, 'run')];
  copyFileSync(PROGRAM, program);
  const setpriv = `setpriv ${NOBODY.join(' ')} env OTEL_SERVICE_NAME=${serviceOf(name)} ${program}`;
  writeFileSync(launcher, `#!/bin/sh\nexec ${setpriv}\n`, { mode: 0o755 });
  const script = TcpScript.start(room, { program: launcher });
  cleanup.add(() => script.stop());
  return script;
}

/** Connects it to itself so many times: each connection counts once at either end. */
async function connect(script: TcpScript, times: number): Promise<void> {
  const { listener, port } = await script.listen();
  for (let i = 0; i < times; i += 1) {
    const [client, server] = [script.next(), script.next()];
    await script.run('socket', client);
    await script.run('connect', client, port);
    await script.run('accept', server, listener);
    await script.run('close', client);
    await script.run('close', server);
  }
}

const openedBy = ({ metrics }: Output, resource: Record<string, string>): number =>
  totalOf(metrics, OPENED, { resource });

describe('the agent as root', () => {
  const cleanup = new Cleanup();
  let observation: Observation;
  let output: Output;
  let atFirst: Record<string, string[]>;
  let atLast: Record<string, string[]>;
  let listens: string[];
  const said: string[] = [];

  before(async () => {
    const file = join(cleanup.makeFolder(), 'wirespan.yaml');
    writeFileSync(file, '');
    observation = await observe(cleanup, { settings: { WIRESPAN_CONFIG: file } });
    const { agent } = observation;
    atFirst = privilegesOf(agent.pid);
    process.kill(agent.pid, 'SIGUSR1');
    const [wanted, unwanted] = ['priv-wanted', 'priv-unwanted'].map((name) => startOther(cleanup, name));
    assert.ok(wanted !== undefined && unwanted !== undefined);
    await connect(wanted, BEFORE);
    await connect(unwanted, BEFORE);
    const seen = (name: string): number => openedBy(observation.read(), { 'service.name': serviceOf(name) });
    await waitFor('the first of both', () => seen('priv-wanted') + seen('priv-unwanted') === 4 * BEFORE);
    writeFileSync(file, 'filter: {exclude: [{command: priv-unwanted}]}\n');
    process.kill(agent.pid, 'SIGHUP');
    const isReloaded = (): boolean =>
      agent.log().some(({ msg }) => msg.startsWith('the settings were read again'));
    await waitFor('the filter', isReloaded);
    await connect(wanted, AFTER);
    await connect(unwanted, AFTER);
    await waitFor('the rest', () => seen('priv-wanted') === 2 * (BEFORE + AFTER));
    listens = listening(agent.pid);
    atLast = privilegesOf(agent.pid);
    output = await observation.finish();
    said.push(...agent.log().map(({ msg }) => msg));
  });
  after(() => cleanup.run());

  it('each of its threads has the documented capabilities alone, and can gain none', () => {
    const expected = {
      CapInh: set(),
      CapPrm: set(...KEPT),
      CapEff: set(...KEPT),
      CapBnd: set(),
      CapAmb: set(),
      NoNewPrivs: ['1'],
    };
    assert.deepEqual(atFirst, expected);
    assert.deepEqual(atLast, expected);
  });

  it('says which it has, and complains of nothing', () => {
    const ready = observation.agent.log().find(({ msg }) => msg === 'ready');
    assert.deepEqual(ready?.['capabilities'], KEPT);
    assert.deepEqual(
      said.filter((msg) => msg.startsWith('Without CAP_')),
      [],
    );
  });

  it('opens no debugger on SIGUSR1, and is not ended by it', () => {
    assert.deepEqual(listens, []);
  });

  it('still reads the names of new processes of other users, in other namespaces', () => {
    assert.equal(openedBy(output, { 'service.name': serviceOf('priv-wanted') }), 2 * (BEFORE + AFTER));
  });

  it('still takes another filter', () => {
    assert.equal(openedBy(output, { 'service.name': serviceOf('priv-unwanted') }), 2 * BEFORE);
  });
});

describe('the memory of the agent', () => {
  const cleanup = new Cleanup();
  after(() => cleanup.run());

  it('is not dumped when it is aborted, whatever the limit of core files is', async () => {
    const folder = cleanup.makeFolder();
    const shell = 'ulimit -c unlimited && cd "$0" && "$@"; echo "status $?"';
    const agent = await startAgent({}, undefined, ['bash', '-c', shell, folder]);
    cleanup.add(() => agent.kill());
    const [pid] = readFileSync(`/proc/${agent.pid}/task/${agent.pid}/children`, 'latin1').trim().split(' ');
    process.kill(Number(pid), 'SIGABRT');
    await waitFor('the agent to be gone', () => !existsSync(`/proc/${String(pid)}`));
    const { stdout, stderr } = await agent.stop();
    assert.match(stdout, /status 134/);
    assert.doesNotMatch(stderr, /core dumped/);
    assert.deepEqual(readdirSync(folder), []);
  });
});

describe('the agent as an ordinary user that may not read other processes', () => {
  const cleanup = new Cleanup();
  const loading = [
    'CAP_BPF',
    'CAP_PERFMON',
    // It may read the project, wherever that is.
    'CAP_DAC_READ_SEARCH',
    ...(kernelHasType('func', 'bpf_rdonly_cast') ? [] : ['CAP_SYS_ADMIN']),
  ];
  let observation: Observation;
  let output: Output;
  let privileges: Record<string, string[]>;
  let owner = 0;

  before(async () => {
    const list = ['-all', ...loading.map((name) => `+${name.slice('CAP_'.length).toLowerCase()}`)].join(',');
    const sets = [`--inh-caps=${list}`, `--ambient-caps=${list}`, `--bounding-set=${list}`];
    const older = startOther(cleanup, 'priv-older');
    observation = await observe(cleanup, {
      launcher: ['setpriv', '--reuid=65533', '--regid=65533', '--clear-groups', ...sets, '--'],
    });
    const { pid } = observation.agent;
    privileges = privilegesOf(pid);
    owner = statSync(`/proc/${pid}/environ`).uid;
    await connect(older, BEFORE);
    await connect(startOther(cleanup, 'priv-other'), BEFORE);
    const isSeen = (name: string): boolean =>
      openedBy(observation.read(), { 'process.executable.name': name }) === 2 * BEFORE;
    await waitFor('their connections', () => isSeen('priv-older') && isSeen('priv-other'));
    output = await observation.finish();
  });
  after(() => cleanup.run());

  it('keeps what it needs afterwards', () => {
    assert.deepEqual(privileges, {
      CapInh: set(),
      CapPrm: set('CAP_BPF', 'CAP_DAC_READ_SEARCH'),
      CapEff: set('CAP_BPF', 'CAP_DAC_READ_SEARCH'),
      // Not its to change; "no new privileges" makes it mean nothing.
      CapBnd: set(...loading),
      CapAmb: set(),
      NoNewPrivs: ['1'],
    });
  });

  it("is not dumpable: its part of /proc is not its user's", () => {
    assert.equal(owner, 0);
  });

  it('measures other users all the same, and says once which names it does not read', () => {
    assert.equal(openedBy(output, { 'service.name': serviceOf('priv-older') }), 0);
    // The kernel side kept what it was started with.
    assert.equal(openedBy(output, { 'service.name': serviceOf('priv-other') }), 2 * BEFORE);
    const lines = observation.agent.log().filter(({ msg }) => msg.startsWith('Without CAP_'));
    assert.deepEqual(
      lines.map(({ level, msg }) => [level, msg.split(',')[0]]),
      [['warn', 'Without CAP_SYS_PTRACE']],
    );
  });
});
