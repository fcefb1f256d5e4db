import { availableParallelism } from 'node:os';
import type { AppConfig } from '../../config/index.ts';
import { BYTES_PER_PLACE } from '../export/item-queue.ts';
import { MAX_READERS, MAX_WAITING_BYTES } from '../feed/server.ts';
import { kernelOptionsOf } from '../settings/kernel.ts';
import { maxWaysOf, packetsOf } from '../settings/packets.ts';
import { kernelMemory } from './kernel-memory.ts';

/** One part of the memory that settings can come to. */
export interface MemoryPart {
  /** The setting that decides it; absent: none does. */
  readonly setting?: string;
  readonly what: string;
  readonly bytes: number;
}

/** Memory that settings can come to: in the kernel and in the agent, at its start and with every bound met. */
export interface MemoryBound {
  readonly kernel: readonly MemoryPart[];
  readonly agent: readonly MemoryPart[];
}

/** Programs, their types, page tables; measured. */
const KERNEL_REST = 3.5e6;
/** Anonymous memory of an agent that has nothing to do: Node's heap and code; measured. */
const AGENT_IDLE = 58e6;
/** A row of the kernel's sums: its memory and attributes, and its place in what a map is read into; measured. */
const BYTES_PER_ROW = 2_760 + 1_120;
/** A series and its points while they are exported; measured. */
const BYTES_PER_SERIES = 550;
/** A process; measured. */
const BYTES_PER_PROCESS = 950;
/** A packet that was seen at four points; measured. */
const BYTES_PER_WAY = 2_500;
/** Connection ids, links, exemplars and limits of requests that carry a trace, when every cache is full; measured. */
const TRACES = 20e6;
/** What a resource takes on average, in use and once more while it waits for an export: receiver/enrich/. */
const BYTES_PER_RESOURCE = 2 * 2_048;
/** V8 lets what is dead lie until there is half as much of it as of what is alive; measured under load. */
const GARBAGE = 1.5;

/** On Linux 6.2 and later, where tracing programs load. */
export function memoryBound(config: AppConfig, cpus = availableParallelism()): MemoryBound {
  const { ringBufferBytes, maxSeries, maxSockets, maxOwners } = config.bpf;
  const taken = kernelMemory(kernelOptionsOf(config), cpus);
  const sockets = taken.sockets + taken.socketsFull;
  const places = config.queues.traces.queueSize + config.queues.logs.queueSize;
  return {
    kernel: [
      part('bpf.ring_buffer_size', ringBufferBytes, 'bytes', taken.ringBuffer),
      part('bpf.max_series', maxSeries, 'rows', taken.series),
      part('bpf.max_owners', maxOwners, 'processes', taken.owners),
      part('bpf.max_sockets', maxSockets, 'sockets, as they come', sockets),
      { what: 'other maps and the programs', bytes: taken.rest + KERNEL_REST },
    ],
    agent: [
      { what: 'Node and the agent, at rest', bytes: AGENT_IDLE },
      part('bpf.max_series', maxSeries, 'rows read', GARBAGE * BYTES_PER_ROW * maxSeries),
      part('series.limit', config.seriesLimit, 'series', GARBAGE * BYTES_PER_SERIES * config.seriesLimit),
      part('bpf.max_owners', maxOwners, 'processes known', GARBAGE * BYTES_PER_PROCESS * maxOwners),
      part(
        'resource.limit',
        config.resourceLimit,
        'resources',
        GARBAGE * BYTES_PER_RESOURCE * config.resourceLimit,
      ),
      { what: 'what is remembered of requests with a trace', bytes: GARBAGE * TRACES },
      part('export.*.queue_size', places, 'spans and events that wait', GARBAGE * BYTES_PER_PLACE * places),
      ...packetsPart(config),
      ...tapPart(config),
      ...viewsPart(config),
    ],
  };
}

function packetsPart(config: AppConfig): MemoryPart[] {
  if (packetsOf(config) === undefined) return [];
  const ways = maxWaysOf(config);
  return [part('bpf.max_series', ways, 'packets on their way', GARBAGE * BYTES_PER_WAY * ways)];
}

/** What the OTLP tap holds lies outside of V8's heap. */
function tapPart({ otlpTap }: AppConfig): MemoryPart[] {
  if (otlpTap === undefined) return [];
  const { queueBytes } = otlpTap;
  return [part('correlation.otlp_tap.queue_bytes', queueBytes, 'bytes that wait', queueBytes)];
}

/** Blocks lie outside of V8's heap; one more is in the making, unpacked. */
function viewsPart({ views }: AppConfig): MemoryPart[] {
  if (views === undefined) return [];
  return [part('views.socket', MAX_READERS, 'views that read', MAX_READERS * 2 * MAX_WAITING_BYTES)];
}

function part(setting: string, value: number, what: string, bytes: number): MemoryPart {
  return { setting, what: `${value.toLocaleString('en')} ${what}`, bytes };
}

/** The bytes of all parts together. */
export function totalOf(parts: readonly MemoryPart[]): number {
  return parts.reduce((sum, { bytes }) => sum + bytes, 0);
}

/** Comments for the end of a YAML file of settings. */
export function renderMemoryBound({ kernel, agent }: MemoryBound): string {
  const rows = (parts: readonly MemoryPart[]): string[] =>
    parts.map(
      ({ setting, what, bytes }) =>
        `#   ${mega(bytes)}  ${setting === undefined ? '' : `${setting}: `}${what}`,
    );
  return [
    `# Memory with every bound of these settings met, in MB: ${mega(totalOf(kernel) + totalOf(agent)).trim()} in all. A control group counts both.`,
    `# kernel ${mega(totalOf(kernel)).trim()}:`,
    ...rows(kernel),
    `# agent ${mega(totalOf(agent)).trim()}, and up to 67 for pages of Node's own program, which the kernel can take back:`,
    ...rows(agent),
    '# Beside it V8 keeps pages that it has freed: storms of short processes left 75 more with the default settings.',
    '',
  ].join('\n');
}

function mega(bytes: number): string {
  return (bytes / 1e6).toFixed(1).padStart(6);
}
