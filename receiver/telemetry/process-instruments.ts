import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Meter } from '@opentelemetry/api';
import { observe } from './stats.ts';

/** Between two looks at the event loop: a timer of its own, so not often. */
const delayResolutionMs = 100;
const nsPerMs = 1e6;

/** Creates the instruments for what the agent itself costs. */
export function createProcessInstruments(meter: Meter): void {
  observe(
    meter,
    {
      name: 'process.cpu.time',
      instrument: 'counter',
      unit: 's',
      description: 'Total CPU seconds broken down by different CPU modes.',
      valueType: 'double',
    },
    () => {
      const { user, system } = process.cpuUsage();
      return [
        [user / 1e6, { 'cpu.mode': 'user' }],
        [system / 1e6, { 'cpu.mode': 'system' }],
      ];
    },
  );
  observe(
    meter,
    {
      name: 'process.memory.usage',
      instrument: 'updowncounter',
      unit: 'By',
      description: 'The amount of physical memory in use.',
      valueType: 'int',
    },
    () => [[process.memoryUsage.rss()]],
  );
}

/** Creates the instruments for how Node.js gets along. */
export function createRuntimeInstruments(meter: Meter): void {
  let last = performance.eventLoopUtilization();
  observe(
    meter,
    {
      name: 'nodejs.eventloop.utilization',
      instrument: 'gauge',
      unit: '1',
      description: 'Event loop utilization.',
      valueType: 'double',
    },
    () => {
      const now = performance.eventLoopUtilization();
      const { utilization } = performance.eventLoopUtilization(now, last);
      last = now;
      return [[utilization]];
    },
  );
  const delay = monitorEventLoopDelay({ resolution: delayResolutionMs });
  delay.enable();
  observe(
    meter,
    {
      name: 'nodejs.eventloop.delay.p99',
      instrument: 'gauge',
      unit: 's',
      description: 'Event loop 99 percentile delay.',
      valueType: 'double',
    },
    () => {
      if (delay.count === 0) return [];
      // Node.js reports the time between two looks, the wanted wait included.
      const delayNs = Math.max(0, delay.percentile(99) - delayResolutionMs * nsPerMs);
      delay.reset();
      return [[delayNs / 1e9]];
    },
  );
}
