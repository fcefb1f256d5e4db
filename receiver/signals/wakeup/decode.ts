import type { RecordDecoder } from '../../decode/batch.ts';
import { readText } from '../../decode/bytes.ts';
import {
  CPU_RUN,
  CPU_RUN_LENGTH,
  PROBE_ID,
  RECORD_KIND,
  WAKEUP_RECORD,
  WAKEUP_RECORD_LENGTH,
} from '../../decode/generated/layout.ts';
import { SOFTIRQ_NAMES } from '../../decode/names.ts';
import type { OwnerTable } from '../../decode/owners.ts';
import { decodeSocket } from '../../decode/socket.ts';
import type { WakeupRecord } from '../../model/record.ts';
import type { CpuRun } from '../../model/wakeup.ts';

function decodeWakeup(view: DataView, at: number, owners: OwnerTable): WakeupRecord | undefined {
  const u32 = (offset: number): number => view.getUint32(at + offset, true);
  const isInSoftirq = view.getUint8(at + WAKEUP_RECORD.in_softirq) !== 0;
  const vector = SOFTIRQ_NAMES[view.getUint8(at + WAKEUP_RECORD.vector)];
  if (isInSoftirq && vector === undefined) return undefined;
  return {
    kind: 'wakeup',
    ...decodeSocket(view, at, owners),
    wakeNs: view.getBigUint64(at + WAKEUP_RECORD.wake_ns, true),
    runNs: view.getBigUint64(at + WAKEUP_RECORD.run_ns, true),
    thread: u32(WAKEUP_RECORD.thread),
    cpu: u32(WAKEUP_RECORD.cpu),
    waker: {
      pid: u32(WAKEUP_RECORD.waker_pid),
      command: readText(view, at + WAKEUP_RECORD.waker, WAKEUP_RECORD_LENGTH.waker),
      cpu: u32(WAKEUP_RECORD.waker_cpu),
      woken: u32(WAKEUP_RECORD.woken),
      ...(isInSoftirq && vector !== undefined && { vector }),
    },
    runs: decodeRuns(view, at + WAKEUP_RECORD.runs),
    hasMoreRuns: view.getUint8(at + WAKEUP_RECORD.more) !== 0,
  };
}

function decodeRuns(view: DataView, from: number): readonly CpuRun[] {
  const runs: CpuRun[] = [];
  for (let i = 0; i < WAKEUP_RECORD_LENGTH.runs; i += 1) {
    const at = from + i * CPU_RUN.size;
    const ns = view.getBigUint64(at + CPU_RUN.ns, true);
    if (ns === 0n) break;
    runs.push({
      ns,
      thread: view.getUint32(at + CPU_RUN.thread, true),
      pid: view.getUint32(at + CPU_RUN.pid, true),
      command: readText(view, at + CPU_RUN.command, CPU_RUN_LENGTH.command),
    });
  }
  return runs;
}

/** `struct wakeup_record`. */
export const wakeupDecoder: RecordDecoder<WakeupRecord> = {
  kind: RECORD_KIND.RECORD_WAKEUP,
  size: WAKEUP_RECORD.size,
  decode: decodeWakeup,
  probeOf: () => PROBE_ID.PROBE_WAKEUP,
};
