import type { Attributes } from '@opentelemetry/api';
import {
  ATTR_CPU_LOGICAL_NUMBER,
  ATTR_LATENCY_VALUE,
  ATTR_SOFTIRQ_VECTOR,
  ATTR_WAKEUP_MEANWHILE_COMMAND,
  ATTR_WAKEUP_MEANWHILE_PID,
  ATTR_WAKEUP_MEANWHILE_VALUE,
  ATTR_WAKEUP_RUN_VALUE,
  ATTR_WAKEUP_THREAD_ID,
  ATTR_WAKEUP_WAKE_VALUE,
  ATTR_WAKEUP_WAKER_COMMAND,
  ATTR_WAKEUP_WAKER_CONTEXT,
  ATTR_WAKEUP_WAKER_CPU,
  ATTR_WAKEUP_WAKER_PID,
  ATTR_WAKEUP_WAKER_WOKEN,
  EVENT_TCP_WAKEUP_SLOW,
  WAKEUP_WAKER_CONTEXT_VALUE_SOFTIRQ,
  WAKEUP_WAKER_CONTEXT_VALUE_TASK,
} from '../../../semconv/index.ts';
import type { EventParts, RecordEvents } from '../../correlate/record-events.ts';
import type { WakeupRecord } from '../../model/record.ts';
import type { CpuRun } from '../../model/wakeup.ts';

const seconds = (ns: bigint): number => Number(ns) / 1e9;

/** Events about readers that ran later than their threshold. No request is known to be the one that waited. */
export function wakeupEvents({ emitter, sockets }: EventParts): RecordEvents {
  const slow = (record: WakeupRecord): void =>
    emitter.event(EVENT_TCP_WAKEUP_SLOW, {
      record,
      attributes: () => ({
        ...sockets.connection(record),
        [ATTR_LATENCY_VALUE]: seconds(record.wakeNs + record.runNs),
        [ATTR_WAKEUP_WAKE_VALUE]: seconds(record.wakeNs),
        [ATTR_WAKEUP_RUN_VALUE]: seconds(record.runNs),
        [ATTR_WAKEUP_THREAD_ID]: record.thread,
        [ATTR_CPU_LOGICAL_NUMBER]: record.cpu,
        ...wakerAttributes(record.waker),
        ...meanwhileAttributes(record.runs),
      }),
    });
  return { handlers: { wakeup: slow } };
}

function wakerAttributes({ vector, pid, command, cpu, woken }: WakeupRecord['waker']): Attributes {
  const isTask = vector === undefined;
  return {
    [ATTR_WAKEUP_WAKER_CONTEXT]: isTask
      ? WAKEUP_WAKER_CONTEXT_VALUE_TASK
      : WAKEUP_WAKER_CONTEXT_VALUE_SOFTIRQ,
    ...(!isTask && { [ATTR_SOFTIRQ_VECTOR]: vector }),
    [ATTR_WAKEUP_WAKER_PID]: pid,
    [ATTR_WAKEUP_WAKER_COMMAND]: command,
    [ATTR_WAKEUP_WAKER_CPU]: cpu,
    [ATTR_WAKEUP_WAKER_WOKEN]: woken,
  };
}

/** The process that had the CPU longest, by the name of its thread that ran last. */
function meanwhileAttributes(runs: readonly CpuRun[]): Attributes {
  const sums = new Map<number, { command: string; ns: bigint }>();
  for (const { pid, command, ns } of runs) {
    const known = sums.get(pid);
    if (known === undefined) sums.set(pid, { command, ns });
    else known.ns += ns;
  }
  const [longest] = [...sums].sort(([, a], [, b]) => Number(b.ns - a.ns));
  if (longest === undefined) return {};
  const [pid, { command, ns }] = longest;
  return {
    [ATTR_WAKEUP_MEANWHILE_PID]: pid,
    [ATTR_WAKEUP_MEANWHILE_COMMAND]: command,
    [ATTR_WAKEUP_MEANWHILE_VALUE]: seconds(ns),
  };
}
