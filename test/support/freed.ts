/** What the kernel frees with a reason, by namespace: an observer of its own, test/kernel/drop-counter.bpf.c. */
import { join } from 'node:path';
import { BpfSession, kernelEnum, kernelFunctionArity } from '../../native/index.ts';
import { projectFolder } from '../backends/place.ts';

const MAX_ROWS = 4096 + 64;

export class FreedCounter {
  readonly #session: BpfSession;

  /** The test's programs must be built: {@link TcpScript.start} does. */
  constructor() {
    this.#session = BpfSession.open(join(projectFolder, 'build', 'test', 'kernel', 'drop-counter.bpf.o'));
    try {
      const hasReceiver = (kernelFunctionArity('btf_trace_kfree_skb') ?? 0) > 3;
      this.#session.setVariable('has_receiver', Uint8Array.of(Number(hasReceiver)));
      const purge = kernelEnum('skb_drop_reason')['SKB_DROP_REASON_QUEUE_PURGE'] ?? 0;
      this.#session.setVariable('queue_purge', new Uint8Array(Uint32Array.of(purge).buffer));
      this.#session.load();
      this.#session.attach('test_freed');
    } catch (error) {
      this.#session.close();
      throw error;
    }
  }

  /** Packets so far by reason number. */
  of(netns: number): Map<number, number> {
    const keys = new Uint8Array(MAX_ROWS * 8);
    const values = new Uint8Array(MAX_ROWS * 8);
    const count = this.#session.lookupBatch('freed', keys, values);
    const key = new DataView(keys.buffer);
    const value = new DataView(values.buffer);
    const found = new Map<number, number>();
    for (let i = 0; i < count; i += 1) {
      if (key.getUint32(i * 8, true) !== netns) continue;
      found.set(key.getUint32(i * 8 + 4, true), Number(value.getBigUint64(i * 8, true)));
    }
    return found;
  }

  /** Events that the kernel did not show it. */
  get skipped(): number {
    return Number(this.#session.programStats('test_freed').recursionMisses);
  }

  close(): void {
    this.#session.close();
  }
}
