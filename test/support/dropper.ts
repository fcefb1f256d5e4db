/** Loses chosen segments on their way to a room, or to a control group's processes: the ingress program of test/workloads/drop.bpf.c. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { BpfSession } from '../../native/index.ts';
import { projectFolder } from '../backends/place.ts';
import type { NetNamespace } from './net-namespace.ts';

/** From the folder of the workloads, as its Makefile calls it. */
const OBJECT = '../../build/test/workloads/drop.bpf.o';
const KEY_SIZE = 8;
const VALUE_SIZE = 72;
const [HEAD_AT, HEAD_BYTES] = [8, 64];
const ROOM = 4096 + 64;
const SEEN = 16_384 + 64;

/** A segment that was really lost, `count` copies of it. */
export interface DroppedSegment {
  readonly clientPort: number;
  readonly seq: number;
  readonly count: number;
  readonly length: number;
  /** The payload's first 64 bytes; empty when it is shorter. */
  readonly head: string;
}

export class Dropper {
  readonly #session: BpfSession;

  private constructor(session: BpfSession) {
    this.#session = session;
  }

  /** @throws NativeError where the kernel refuses cgroup programs */
  static attach(room: NetNamespace): Dropper {
    if (room.cgroup === undefined) throw new Error('there is no cgroup v2 on this machine');
    return Dropper.attachTo(room.cgroup);
  }

  /** The same for the processes of a control group, by its folder. */
  static attachTo(cgroup: string): Dropper {
    execFileSync('make', ['-s', '-C', join(projectFolder, 'test', 'workloads'), OBJECT]);
    const session = BpfSession.open(join(projectFolder, 'test', 'workloads', OBJECT));
    try {
      session.load();
      session.attachCgroup('test_drop', cgroup);
    } catch (error) {
      session.close();
      throw error;
    }
    return new Dropper(session);
  }

  /** From now on, first copies of segments to `port`, or from it, are lost by chance (1000: each), `copies` times. */
  lose(port: number, { permille = 1000, copies = 1, isFrom = false } = {}): void {
    const value = new DataView(new ArrayBuffer(8));
    value.setUint16(0, port, true);
    value.setUint16(2, permille, true);
    value.setUint16(4, copies, true);
    value.setUint16(6, isFrom ? 1 : 0, true);
    this.#session.update('settings', new Uint8Array(4), new Uint8Array(value.buffer));
  }

  /** No further segment is chosen; the copies of chosen ones are still lost. */
  spareNew(port: number, copies = 1): void {
    this.lose(port, { permille: 0, copies });
  }

  /** Nothing is looked at until the next call, so segments of this time can be chosen later. */
  rest(): void {
    this.lose(0, { permille: 0 });
  }

  /** The segments with payload that were looked at, lost or not. */
  seen(): { readonly clientPort: number; readonly seq: number }[] {
    const keys = new Uint8Array(SEEN * KEY_SIZE);
    const count = this.#session.lookupBatch('seen', keys, new Uint8Array(SEEN * 4));
    const key = new DataView(keys.buffer);
    return Array.from({ length: count }, (_, i) => ({
      clientPort: key.getUint16(i * KEY_SIZE, true),
      seq: key.getUint32(i * KEY_SIZE + 4, true),
    }));
  }

  dropped(): DroppedSegment[] {
    const keys = new Uint8Array(ROOM * KEY_SIZE);
    const values = new Uint8Array(ROOM * VALUE_SIZE);
    const count = this.#session.lookupBatch('dropped', keys, values);
    const key = new DataView(keys.buffer);
    const value = new DataView(values.buffer);
    return Array.from({ length: count }, (_, i) => ({
      clientPort: key.getUint16(i * KEY_SIZE, true),
      seq: key.getUint32(i * KEY_SIZE + 4, true),
      count: value.getUint32(i * VALUE_SIZE, true),
      length: value.getUint32(i * VALUE_SIZE + 4, true),
      head: textOf(values.subarray(i * VALUE_SIZE + HEAD_AT).subarray(0, HEAD_BYTES)),
    }));
  }

  close(): void {
    this.#session.close();
  }
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1').replace(/\0+$/, '');
}
