/** Runs of softirq handlers as an observer of its own sees them: test/kernel/softirq-observer.bpf.c. */
import { join } from 'node:path';
import { BpfSession } from '../../../native/index.ts';
import { SOFTIRQ_NAMES } from '../../../receiver/decode/names.ts';
import { projectFolder } from '../../backends/place.ts';

const OBJECT = join(projectFolder, 'build', 'test', 'kernel', 'softirq-observer.bpf.o');
const PROGRAMS = ['test_entry', 'test_exit'] as const;
const RECORD = 32;

/** CLOCK_MONOTONIC nanoseconds. */
export interface SoftirqRun {
  readonly vector: string;
  readonly cpu: number;
  readonly fromNs: bigint;
  readonly toNs: bigint;
}

/** Programs on a tracepoint run in the order in which they were attached. */
export class SoftirqObserver {
  readonly #session: BpfSession;

  /** The test's programs must be built: `TcpScript.start` does. */
  constructor() {
    this.#session = BpfSession.open(OBJECT);
    try {
      this.#session.load();
      for (const program of PROGRAMS) this.#session.attach(program);
    } catch (error) {
      this.#session.close();
      throw error;
    }
  }

  detach(): void {
    for (const program of PROGRAMS) this.#session.detach(program);
  }

  /** Everything since the start; call once, after `detach`. */
  runs(): SoftirqRun[] {
    const ring = this.#session.ring('runs');
    const buffer = new Uint8Array(1 << 20);
    const view = new DataView(buffer.buffer);
    const runs: SoftirqRun[] = [];
    for (let bytes = ring.drain(buffer); bytes > 0; bytes = ring.drain(buffer)) {
      for (let at = 0; at < bytes; at += RECORD)
        runs.push({
          vector: SOFTIRQ_NAMES[view.getUint32(at + 8, true)] ?? '',
          cpu: view.getUint32(at + 24, true),
          fromNs: view.getBigUint64(at, true),
          toNs: view.getBigUint64(at + 16, true),
        });
    }
    return runs;
  }

  /** Runs that it has not seen, or had no room for. */
  get missed(): number {
    const lost = new Uint8Array(8);
    this.#session.getVariable('lost', lost);
    const skipped = PROGRAMS.map((program) => Number(this.#session.programStats(program).recursionMisses));
    return skipped.reduce((sum, each) => sum + each, Number(new DataView(lost.buffer).getBigUint64(0, true)));
  }

  close(): void {
    this.#session.close();
  }
}
