/** What the agent needs to hear announcements, and what it says without. */
import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { kernelHasType } from '../../native/index.ts';
import { announce, isUnheard } from '../support/announcement.ts';
import { Cleanup } from '../support/cleanup.ts';
import { TcpScript } from '../support/script.ts';
import { waitFor } from '../support/wait.ts';
import { observe, type Observation } from './observe.ts';

const CONTEXT = { traceId: 'a1'.repeat(16), spanId: 'b2'.repeat(8), flags: 1 };
const UNHEARD =
  'not measured: cgroup/setsockopt is refused (errno 1): what applications announce of their sockets is not heard. It needs CAP_NET_ADMIN and a mounted cgroup v2; correlation.hook=off does without';

/** Without announcements. */
const LOADING = [
  'bpf',
  'perfmon',
  // It may read the project, wherever that is.
  'dac_read_search',
  ...(kernelHasType('func', 'bpf_rdonly_cast') ? [] : ['sys_admin']),
];

/** An agent of an ordinary user that has these capabilities alone, when it is ready. */
async function startAs(
  cleanup: Cleanup,
  capabilities: readonly string[],
  settings: Readonly<Record<string, string>> = {},
): Promise<Observation> {
  const list = ['-all', ...capabilities.map((name) => `+${name}`)].join(',');
  const sets = [`--inh-caps=${list}`, `--ambient-caps=${list}`, `--bounding-set=${list}`];
  const launcher = ['setpriv', '--reuid=65533', '--regid=65533', '--clear-groups', ...sets, '--'];
  const observation = await observe(cleanup, { launcher, settings });
  await waitFor('the agent', () => observation.agent.log().some(({ msg }) => msg === 'ready'));
  return observation;
}

/** Whether anybody takes what an application announces of a socket. */
async function isHeard(cleanup: Cleanup): Promise<boolean> {
  const { script } = TcpScript.open(cleanup);
  const socket = script.next();
  await script.run('socket', socket);
  return announce(script, socket, CONTEXT).then(
    () => true,
    (error: unknown) => {
      if (isUnheard(error)) return false;
      throw error;
    },
  );
}

const saidOf = ({ agent }: Observation): unknown[] =>
  agent
    .log()
    .filter(({ probe }) => probe === 'cgroup_setsockopt')
    .map(({ level, msg }) => [level, msg]);

describe('announcements', () => {
  const cleanup = new Cleanup();
  after(() => cleanup.run());

  it('are not heard without CAP_NET_ADMIN: the rest works, and it is said once', async () => {
    const observation = await startAs(cleanup, LOADING);
    assert.equal(await isHeard(cleanup), false);
    await observation.finish();
    assert.deepEqual(saidOf(observation), [['warn', UNHEARD]]);
  });

  it('are heard with it, also when it is given up after loading', async () => {
    const observation = await startAs(cleanup, [...LOADING, 'net_admin']);
    assert.equal(await isHeard(cleanup), true);
    const ready = observation.agent.log().find(({ msg }) => msg === 'ready');
    assert.deepEqual(ready?.['capabilities'], ['CAP_DAC_READ_SEARCH', 'CAP_BPF']);
    await observation.finish();
    assert.deepEqual(saidOf(observation), []);
  });

  it('cost nobody a program when they are switched off', async () => {
    const observation = await startAs(cleanup, [...LOADING, 'net_admin'], {
      WIRESPAN_CORRELATION_HOOK: 'off',
    });
    assert.equal(await isHeard(cleanup), false);
    const ready = observation.agent.log().find(({ msg }) => msg === 'ready');
    assert.equal((ready?.['programs'] as string[]).includes('ws_announce'), false);
    await observation.finish();
    assert.deepEqual(saidOf(observation), []);
  });
});
