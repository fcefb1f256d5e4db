import { NODE_INNER, OWNER_KEY, THREAD_LAYOUT } from '../decode/generated/layout.ts';
import type { ThreadReader } from '../host/process-contexts.ts';
import type { ThreadLayout } from '../host/thread-layout.ts';
import { processId } from '../model/ids.ts';
import type { Owner } from '../model/resource.ts';

/** The part of the kernel side that is told of processes whose threads publish. */
export interface ThreadMaps {
  /** @throws when there is no room */
  update(map: string, key: Uint8Array, value: Uint8Array): void;
  delete(map: string, key: Uint8Array): void;
  /** From now on the kernel side looks for who publishes. */
  readThreads(): void;
}

const MAP = 'thread_layouts';

/** Tells the kernel side where threads publish their context. */
export class ThreadLayouts implements ThreadReader {
  /** Processes that found no room. */
  unheld = 0;
  readonly #maps: ThreadMaps;
  readonly #held = new Set<string>();

  constructor(maps: ThreadMaps) {
    this.#maps = maps;
  }

  add(owner: Owner, layout: ThreadLayout): void {
    try {
      this.#maps.update(MAP, keyOf(owner), valueOf(layout));
    } catch {
      this.unheld += 1;
      return;
    }
    this.#held.add(processId(owner));
    this.#maps.readThreads();
  }

  remove(owner: Owner): void {
    if (this.#held.delete(processId(owner))) this.#maps.delete(MAP, keyOf(owner));
  }
}

function keyOf({ pid, startNs, execs }: Owner): Uint8Array {
  const view = new DataView(new ArrayBuffer(OWNER_KEY.size));
  view.setBigUint64(OWNER_KEY.start_ns, startNs, true);
  view.setUint32(OWNER_KEY.pid, pid, true);
  view.setUint32(OWNER_KEY.execs, execs, true);
  return new Uint8Array(view.buffer);
}

function valueOf({ offset, module, vector, length, stride, node }: ThreadLayout): Uint8Array {
  const view = new DataView(new ArrayBuffer(THREAD_LAYOUT.size));
  view.setBigInt64(THREAD_LAYOUT.offset, offset, true);
  view.setUint32(THREAD_LAYOUT.module, module, true);
  view.setInt32(THREAD_LAYOUT.vector, vector, true);
  view.setInt32(THREAD_LAYOUT.length, length, true);
  view.setUint32(THREAD_LAYOUT.stride, stride, true);
  if (node !== undefined) {
    view.setUint16(THREAD_LAYOUT.frame_table, node.frameTable, true);
    view.setUint16(THREAD_LAYOUT.table_counts, node.tableCounts, true);
    view.setUint16(THREAD_LAYOUT.record, node.record ?? 0, true);
    view.setUint16(THREAD_LAYOUT.inner, node.inner ?? NODE_INNER.NODE_NO_INNER, true);
  }
  return new Uint8Array(view.buffer);
}
