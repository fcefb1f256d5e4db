/** One process that becomes other programs by execve(): what each did is on its own resource, exactly. */
import assert from 'node:assert/strict';
import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { cgroupMounts, makeCgroup } from '../support/cgroups.ts';
import { Cleanup } from '../support/cleanup.ts';
import { NetNamespace } from '../support/net-namespace.ts';
import { hex, PROGRAM, TcpScript } from '../support/script.ts';
import { waitFor } from '../support/wait.ts';
import { observe } from './observe.ts';
import type { Output } from './observe.ts';
import { findPoints, totalOf } from './otlp.ts';

const [ENDED, KEPT, LATER, HASTY] = [11, 3, 7, 5];
const BYTES = 101;
const CONTAINER = 'e'.repeat(64);

describe('a process that calls execve()', () => {
  const cleanup = new Cleanup();
  let output: Output;
  let pid: number;
  let isInContainer = false;

  before(async () => {
    const room = new NetNamespace();
    cleanup.add(() => room.remove());
    const server = TcpScript.start(room);
    cleanup.add(() => server.stop());
    const folder = cleanup.makeFolder();
    const programAs = (name: string): string => {
      copyFileSync(PROGRAM, join(folder, name));
      return join(folder, name);
    };
    const client = TcpScript.start(room, { program: programAs('launcher') });
    cleanup.add(() => client.stop());
    ({ pid } = client);
    const { listener, port } = await server.listen();
    const filter = `[{netns: ${room.inode}}]`;
    const observation = await observe(cleanup, { settings: { WIRESPAN_FILTER_INCLUDE: filter } });

    const open = async (): Promise<number> => {
      const [socket, accepted] = [client.next(), server.next()];
      await client.run('socket', socket);
      await client.run('connect', socket, port);
      await server.run('accept', accepted, listener);
      return socket;
    };
    const use = async (socket: number): Promise<void> => {
      await client.run('write', socket, hex('x'.repeat(BYTES)));
      await client.run('close', socket);
    };
    const become = (name: string): Promise<number> => client.run('exec', 0, programAs(name), `the-${name}`);

    const exported = (service: string, opened: number): Promise<void> =>
      waitFor(`${opened} connections of ${service} to be exported`, () =>
        findPoints(observation.read().metrics, 'wirespan.tcp.connection.opened', {
          resource: { 'service.name': service },
        }).some(({ value }) => value === opened),
      );

    await become('first');
    for (let i = 0; i < ENDED; i += 1) await use(await open());
    const kept = [];
    for (let i = 0; i < KEPT; i += 1) kept.push(await open());
    await exported('the-first', ENDED + KEPT);
    const mount = cgroupMounts().v2;
    if (mount !== undefined) {
      const group = makeCgroup(cleanup, mount, `wirespan-${process.pid}/docker-${CONTAINER}.scope`);
      writeFileSync(join(group, 'cgroup.procs'), String(pid));
      isInContainer = true;
    }
    await become('second');
    for (let i = 0; i < LATER; i += 1) await use(await open());
    await exported('the-second', LATER);
    // The agent knows the next program by what the kernel noted alone: it is another one when it looks.
    process.kill(observation.agent.pid, 'SIGSTOP');
    await become('hasty');
    for (let i = 0; i < HASTY; i += 1) await use(await open());
    await become('last');
    process.kill(observation.agent.pid, 'SIGCONT');
    for (const socket of kept) await use(socket);
    // A FIN may wait 40 ms to be acknowledged, and a connection is closed only then.
    await waitFor(
      'every FIN to be acknowledged',
      () => room.exec('ss', '-Htn', 'state', 'fin-wait-1') === '',
    );
    await client.stop();
    output = await observation.finish();
  });
  after(() => cleanup.run());

  const total = (name: string, executable: string, attributes = {}): number =>
    totalOf(output.metrics, name, { resource: { 'process.executable.name': executable }, attributes });
  const figures = (executable: string): number[] => [
    total('wirespan.tcp.connection.opened', executable),
    total('wirespan.tcp.connection.closed', executable),
    total('wirespan.tcp.io', executable, { 'network.io.direction': 'transmit' }),
  ];
  const namesOf = (executable: string): unknown[] => [
    ...new Set(
      findPoints(output.metrics, 'wirespan.tcp.connection.opened', {
        resource: { 'process.executable.name': executable },
      }).map(({ resource }) => resource['service.name']),
    ),
  ];

  it('counts each connection on the program that opened it, also when another closed it', () => {
    assert.deepEqual(figures('first'), [ENDED + KEPT, ENDED + KEPT, (ENDED + KEPT) * BYTES]);
    assert.deepEqual(figures('second'), [LATER, LATER, LATER * BYTES]);
    assert.deepEqual(figures('hasty'), [HASTY, HASTY, HASTY * BYTES]);
    assert.deepEqual(figures('last'), [0, 0, 0]);
  });

  it('takes the environment of the program, and of no other', () => {
    assert.deepEqual(namesOf('first'), ['the-first']);
    assert.deepEqual(namesOf('second'), ['the-second']);
    assert.deepEqual(namesOf('hasty'), ['hasty']);
  });

  it('takes the control group as of the program', () => {
    const containersOf = (executable: string): unknown[] =>
      findPoints(output.metrics, 'wirespan.tcp.connection.opened', {
        resource: { 'process.executable.name': executable },
      }).map(({ resource }) => resource['container.id']);
    assert.ok(containersOf('first').length > 0 && containersOf('second').length > 0);
    assert.ok(containersOf('first').every((id) => id === undefined));
    assert.ok(containersOf('second').every((id) => id === (isInContainer ? CONTAINER : undefined)));
  });
});
