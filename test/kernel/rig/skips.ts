/** Programs skipped on purpose: the build of test/kernel/skipped.bpf.c, and what of it is skipped. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import type { KernelOptions } from '../../../receiver/source/kernel-options.ts';
import { projectFolder } from '../../backends/place.ts';
import type { NetNamespace } from '../../support/net-namespace.ts';
import { Watcher } from '../../support/watcher.ts';

const OBJECT = join(projectFolder, 'build', 'test', 'kernel', 'skipped.bpf.o');

/** `enum program` of that file. */
const PROGRAMS = {
  ws_state: 0,
  ws_destroy: 1,
  ws_retransmit: 2,
  ws_retransmit_synack: 3,
  ws_reset_sent: 4,
  ws_reset_received: 5,
  ws_error: 6,
} as const;

/** Kernel numbers of states, by the names that the tests use. */
const STATES = {
  established: 1,
  syn_sent: 2,
  syn_recv: 3,
  fin_wait_1: 4,
  fin_wait_2: 5,
  close: 7,
  close_wait: 8,
  last_ack: 9,
  listen: 10,
  closing: 11,
} as const;

export type State = keyof typeof STATES;
/** A change of a socket's state, or another program. */
export type Skip = readonly [from: State, to: State] | Exclude<keyof typeof PROGRAMS, 'ws_state'>;

export function nameOf(skip: Skip): string {
  return typeof skip === 'string' ? skip : skip.join(' to ');
}

/** The size of `struct skips`, and where its members lie. */
const SIZE = 80;
const AT = { slowNs: 0, netns: 8, permille: 12, programs: 16, changes: 20, skipped: 72 } as const;
const ALL = 1000;

/** A watcher whose programs miss what the test says, of the sockets of a room. */
export class SkippingWatcher extends Watcher {
  readonly #room: NetNamespace;
  #before = 0;

  constructor(room: NetNamespace, options: Partial<KernelOptions> = {}, refused: readonly string[] = []) {
    execFileSync('make', ['-s', '-C', join(projectFolder, 'test', 'kernel')]);
    super(options, refused, OBJECT);
    this.#room = room;
  }

  /** From now on. `permille`: of these runs, by chance; `slowNs`: how long each run for a change takes. */
  skip(skips: readonly Skip[], { permille = ALL, slowNs = 0 } = {}): void {
    this.#before = this.skipped;
    const view = new DataView(new ArrayBuffer(SIZE));
    view.setBigUint64(AT.slowNs, BigInt(slowNs), true);
    view.setUint32(AT.netns, this.#room.inode, true);
    view.setUint32(AT.permille, permille, true);
    for (const each of skips) {
      const at = typeof each === 'string' ? AT.programs : AT.changes + 4 * STATES[each[0]];
      const bit = typeof each === 'string' ? PROGRAMS[each] : STATES[each[1]];
      view.setUint32(at, view.getUint32(at, true) | (1 << bit), true);
    }
    this.source.update('skips', new Uint8Array(4), new Uint8Array(view.buffer));
  }

  /** Runs skipped so far. */
  get skipped(): number {
    const value = new Uint8Array(SIZE);
    this.source.lookup('skips', new Uint8Array(4), value);
    return this.#before + Number(new DataView(value.buffer).getBigUint64(AT.skipped, true));
  }
}
