/** A handshake is on a request's trace where it was made for that request, and only there. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { projectFolder } from '../backends/place.ts';
import { Cleanup } from '../support/cleanup.ts';
import type { NetNamespace } from '../support/net-namespace.ts';
import { TcpScript } from '../support/script.ts';
import { Watcher } from '../support/watcher.ts';
import { plain } from './rig/conversation.ts';
import { newContext, requestOf } from '../support/traceparent.ts';
import { WRITE_VARIANTS } from './rig/write-variants.ts';

const PROGRAM = join(projectFolder, 'build', 'test', 'kernel', 'first-write');
const FIRST_SYN_LOST = 'tcp flags & (syn | ack) == syn numgen inc mod 2 0 drop';
const TIMES = 3;
/** A handshake is on no trace when the machine stood still before the first write, as virtual ones do. */
const MOST_TIMES = 10;

interface Case {
  /** As first-write has it. */
  readonly kind: string;
  readonly isOpenedFor: boolean;
  /** The handshake ends in a second, when a thread that does not wait for it is elsewhere. */
  readonly isLate?: boolean;
  readonly skip?: string | false;
}

/** Why there is no io_uring here; false when there is (before Linux 6.6 there is no such setting). */
function whyNoRing(): string | false {
  const setting = '/proc/sys/kernel/io_uring_disabled';
  const value = existsSync(setting) ? readFileSync(setting, 'utf8').trim() : '0';
  return value === '0' ? false : `kernel.io_uring_disabled is ${value}`;
}
const noRing = whyNoRing();

const CASES: readonly Case[] = [
  { kind: 'at-once', isOpenedFor: true },
  { kind: 'woken', isOpenedFor: true },
  { kind: 'woken', isOpenedFor: true, isLate: true },
  { kind: 'spins', isOpenedFor: false },
  { kind: 'yields', isOpenedFor: false },
  { kind: 'asleep', isOpenedFor: false },
  { kind: 'asleep', isOpenedFor: false, isLate: true },
  { kind: 'other-thread', isOpenedFor: false },
  { kind: 'inline', isOpenedFor: false, skip: noRing },
  { kind: 'worker', isOpenedFor: false, skip: noRing },
  { kind: 'poller', isOpenedFor: false, skip: noRing },
];

for (const { name, refused, skip } of WRITE_VARIANTS)
  describe(`what a connection was opened for, writes by ${name}`, { skip }, () => {
    const cleanup = new Cleanup();
    let watcher: Watcher;
    let room: NetNamespace;
    let script: TcpScript;

    before(() => {
      ({ room, script } = TcpScript.open(cleanup));
      watcher = new Watcher({}, refused);
      cleanup.add(() => watcher.close());
    });
    after(() => cleanup.run());

    /** The handshake records that a connection has a request on: whether each is its own request. */
    async function firstWrite(kind: string): Promise<readonly boolean[]> {
      const { listener, port } = await script.listen();
      const context = newContext();
      const args = ['netns', 'exec', room.name, PROGRAM, kind, String(port), requestOf(context)];
      const { stdout } = await promisify(execFile)('ip', args);
      await script.run('close', listener);
      const records = watcher.connections(room.inode, Number(stdout), port);
      assert.equal(records.filter((record) => record.kind === 'open').length, 1);
      return records
        .filter((record) => record.kind === 'handshake')
        .map((record) => plain(record.context)?.spanId === context.spanId);
    }

    for (const { kind, isOpenedFor, isLate = false, skip = false } of CASES)
      test(isLate ? `${kind}, and the first SYN was lost` : kind, { skip }, async () => {
        let links = 0;
        const wanted = isLate ? 1 : TIMES;
        for (let i = 0; i < (isOpenedFor ? MOST_TIMES : wanted) && links < wanted; i += 1) {
          room.filter(...(isLate ? [FIRST_SYN_LOST] : []));
          const found = await firstWrite(kind);
          assert.deepEqual(found, found.length === 0 ? [] : [true], 'its own request, or none');
          links += found.length;
        }
        assert.equal(links, isOpenedFor ? wanted : 0);
      });
  });
