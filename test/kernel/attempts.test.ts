/** Attempts to connect that fail before there is a SYN: what the application gets is what is counted. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { constants } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { BpfSession } from '../../native/index.ts';
import { canLoad } from '../support/kernel-abilities.ts';
import { projectFolder } from '../backends/place.ts';
import { Cleanup } from '../support/cleanup.ts';
import type { NetNamespace } from '../support/net-namespace.ts';
import { hex, ScriptError, TcpScript } from '../support/script.ts';
import { Watcher } from '../support/watcher.ts';

const { errno } = constants;
const ATTEMPTS = 5;
const ROLE_CLIENT = 1;
const VARIANTS = ['ws_connect_fexit', 'ws_connect_sys_exit'] as const;

/** Where to, and what is in the way there. */
interface Scene {
  readonly to: string;
  /** The socket's family, when it is not that of the address. */
  readonly socket?: 'socket' | 'socket6';
  readonly route?: readonly string[];
  readonly errno: number;
  /** `error.type`. */
  readonly error: string;
}

const SCENES: Readonly<Record<string, Scene>> = {
  'no route': { to: '192.0.2.1', errno: errno.ENETUNREACH, error: 'network_unreachable' },
  'a route that prohibits': {
    to: '198.51.100.1',
    route: ['prohibit', '198.51.100.0/25'],
    errno: errno.EACCES,
    error: 'access_denied',
  },
  'a route to nowhere': {
    to: '198.51.100.129',
    route: ['unreachable', '198.51.100.128/25'],
    errno: errno.EHOSTUNREACH,
    error: 'host_unreachable',
  },
  'a black hole': {
    to: '203.0.113.1',
    route: ['blackhole', '203.0.113.0/24'],
    errno: errno.EINVAL,
    error: '_OTHER',
  },
  'no route, IPv6': { to: '2001:db8::1', errno: errno.ENETUNREACH, error: 'network_unreachable' },
  'a route that prohibits, IPv6': {
    to: '2001:db8:1::1',
    route: ['prohibit', '2001:db8:1::/48'],
    errno: errno.EACCES,
    error: 'access_denied',
  },
  'no route, IPv4 by a socket of IPv6': {
    to: '::ffff:192.0.2.1',
    socket: 'socket6',
    errno: errno.ENETUNREACH,
    error: 'network_unreachable',
  },
};

for (const [index, variant] of VARIANTS.entries()) {
  const skip = canLoad(variant) ? false : `this kernel refuses ${variant}`;
  describe(`attempts by ${variant}`, { skip }, () => {
    const cleanup = new Cleanup();
    let watcher: Watcher;
    let room: NetNamespace;
    let script: TcpScript;

    before(() => {
      ({ room, script } = TcpScript.open(cleanup));
      watcher = new Watcher({ costlyVariants: true }, VARIANTS.slice(0, index));
      cleanup.add(() => watcher.close());
      assert.ok(watcher.source.plan.attached.some(({ program }) => program === variant));
    });
    after(() => cleanup.run());

    async function errnoOf(...words: (string | number)[]): Promise<number> {
      const error: unknown = await script.run(...words).catch((thrown: unknown) => thrown);
      assert.ok(error instanceof ScriptError, `'${words.join(' ')}' did not fail`);
      return error.errno;
    }

    const rows = (port: number) =>
      watcher
        .series()
        .filter((row) => row.port === port)
        .map(({ pid, role, error, sum }) => ({ pid, role, error, opened: sum('opened') }))
        .sort((a, b) => a.error - b.error);

    const row = (error: number, opened: number) => ({ pid: script.pid, role: ROLE_CLIENT, error, opened });

    const fails = (port: number) =>
      watcher
        .records()
        .flatMap((record) =>
          record.kind === 'fail' && record.netns === room.inode && record.endpoints.peerPort === port
            ? [[record.error, record.role, record.owner.pid, record.endpoints.peerAddress]]
            : [],
        );

    async function socket(name: 'socket' | 'socket6' = 'socket'): Promise<number> {
      const made = script.next();
      await script.run(name, made);
      return made;
    }

    for (const [name, scene] of Object.entries(SCENES)) {
      test(name, async () => {
        const port = TcpScript.newPort();
        const isIpv6 = scene.to.includes(':');
        if (scene.route !== undefined) room.exec('ip', isIpv6 ? '-6' : '-4', 'route', 'add', ...scene.route);
        for (let i = 0; i < ATTEMPTS; i += 1) {
          const client = await socket(scene.socket ?? (isIpv6 ? 'socket6' : 'socket'));
          assert.equal(await errnoOf('connect-to', client, scene.to, port), scene.errno);
          await script.run('close', client);
        }
        assert.deepEqual(rows(port), [row(scene.errno, ATTEMPTS)]);
        const peer = scene.to.replace('::ffff:', '');
        const one = [scene.error, 'client', script.pid, peer];
        assert.deepEqual(fails(port), Array<unknown>(ATTEMPTS).fill(one));
      });
    }

    for (const [to, program] of [
      ['127.0.0.1', 'refuse_connect4'],
      ['::1', 'refuse_connect6'],
    ] as const) {
      test(`refused by a program of the cgroup, ${to}`, async () => {
        const { listener, port } = await script.listen(to === '::1' ? 'listen6' : 'listen');
        const session = BpfSession.open(
          join(projectFolder, 'build', 'test', 'kernel', 'refuse-connect.bpf.o'),
        );
        try {
          session.load();
          session.attachCgroup(program, room.cgroup ?? '');
          for (let i = 0; i < ATTEMPTS; i += 1) {
            const client = await socket(to === '::1' ? 'socket6' : 'socket');
            assert.equal(await errnoOf('connect-to', client, to, port), errno.EPERM);
            await script.run('close', client);
          }
        } finally {
          session.close();
        }
        assert.deepEqual(rows(port), [row(errno.EPERM, ATTEMPTS)]);
        assert.deepEqual(
          fails(port),
          Array<unknown>(ATTEMPTS).fill(['access_denied', 'client', script.pid, to]),
        );
        await script.run('close', listener);
      });
    }

    test('what had a SYN counts once, whatever connect() says of it, and what comes after it as well', async () => {
      const port = TcpScript.newPort();
      const client = await socket();
      for (let i = 0; i < ATTEMPTS; i += 1) {
        assert.equal(await errnoOf('connect', client, port), errno.ECONNREFUSED);
        // The same socket once more, where there is no route.
        assert.equal(await errnoOf('connect-to', client, '192.0.2.1', port), errno.ENETUNREACH);
      }
      // A program that cannot look into the socket's storage does not see what comes after a SYN.
      const isSeen = variant === 'ws_connect_fexit' || watcher.source.plan.isConnTable;
      assert.deepEqual(rows(port), [
        row(0, 0),
        ...(isSeen ? [row(errno.ENETUNREACH, ATTEMPTS)] : []),
        row(errno.ECONNREFUSED, ATTEMPTS),
      ]);
      assert.equal(fails(port).length, isSeen ? 2 * ATTEMPTS : ATTEMPTS);
      await script.run('close', client);
    });

    test('answers that are no failures are none', async () => {
      const { listener, port } = await script.listen();
      const [client, server] = [await socket(), script.next()];
      room.filter(`tcp dport ${port} drop`);
      await script.run('try-connect', client, port);
      assert.equal(await errnoOf('try-connect', client, port), errno.EALREADY);
      room.filter();
      await script.run('write', client, hex('x'));
      await script.run('accept', server, listener);
      // The first call after the handshake completes what the first of all began.
      await script.run('connect', client, port);
      assert.equal(await errnoOf('connect', client, port), errno.EISCONN);
      await script.run('close', client);
      await script.run('close', server);
      const failed = rows(port).filter(({ error }) => error !== 0);
      assert.deepEqual([failed, fails(port)], [[], []]);
      await script.run('close', listener);
    });

    test('no local port left: once', async () => {
      const { listener, port } = await script.listen();
      const taken = TcpScript.newPort();
      room.sysctl('net/ipv4/ip_local_port_range', `${taken} ${taken}`);
      const [first, second] = [await socket(), await socket()];
      await script.run('connect', first, port);
      assert.equal(await errnoOf('connect', second, port), errno.EADDRNOTAVAIL);
      const failed = rows(port).filter(({ error }) => error !== 0);
      assert.deepEqual(failed, [row(errno.EADDRNOTAVAIL, 1)]);
      assert.equal(fails(port).length, 1);
      for (const each of [first, second, listener]) await script.run('close', each);
      room.sysctl('net/ipv4/ip_local_port_range', '32768 60999');
    });
  });
}

before(() => execFileSync('make', ['-s', '-C', join(projectFolder, 'test', 'kernel')]));
