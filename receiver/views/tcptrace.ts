import { line, titles, type Column } from './columns.ts';
import { packetView, type PacketRow } from './packets/packet-view.ts';
import { HEAD_COLUMNS, headTexts, packetJson, type TimedWay } from './packets/rows.ts';
import type { Stage } from '../model/packets.ts';

const COLUMNS: readonly Column[] = [['TIME', 15], ...HEAD_COLUMNS, ['TOTAL(ms)', -9], ['SLOW', 0]];
const STAGE_COLUMNS: readonly Column[] = [
  ['', 3],
  ['STAGE', 14],
  ['INTERFACE', 15],
  ['NETNS', -10],
  ['CPU', -7],
  ['MS', -12],
  ['SLOW', 0],
];

/** The way of each packet, stage by stage. */
export const tcptrace = packetView({
  name: 'tcptrace',
  summary: 'the way of each TCP packet through the kernel, stage by stage, and which stage was slow',
  example: ['wirespan tcptrace -P 443 -m 5 -s', 'packets of which one stage took more than 5 ms'],
  header: titles(COLUMNS),
  reads: true,
  row: rowOf,
});

function rowOf(timed: TimedWay, thresholdMs: number): PacketRow {
  const { way, time, stages, totalMs, lost } = timed;
  const isSlow = ({ ms }: Stage): boolean => ms > thresholdMs;
  const slow = [...new Set(stages.filter(isSlow).map(({ name }) => name))];
  const mark = [...(slow.length > 0 ? ['slow'] : []), ...(lost === undefined ? [] : [`lost: ${lost}`])];
  return {
    slow,
    row: {
      lines: [
        line(COLUMNS, [time, ...headTexts(way.head), totalMs.toFixed(3), mark.join(', ')]),
        ...stages.map((stage) => stageLine(stage, isSlow(stage))),
      ],
      json: {
        ...packetJson(timed),
        total_ms: totalMs,
        slow: slow.length > 0,
        lost: lost ?? null,
        last: way.last.point,
        stages: stages.map((stage) => stageJson(stage, isSlow(stage))),
      },
    },
  };
}

function stageLine({ name, ms, from, endCpu }: Stage, isSlow: boolean): string {
  return line(STAGE_COLUMNS, [
    ...['', name, from.interfaceName || '-', String(from.netns)],
    ...[`${String(from.cpu)}>${String(endCpu)}`, ms.toFixed(3), isSlow ? 'slow' : ''],
  ]);
}

function stageJson({ name, ms, from, endCpu }: Stage, isSlow: boolean): Readonly<Record<string, unknown>> {
  return {
    stage: name,
    ms,
    slow: isSlow,
    interface: from.interfaceName || null,
    netns: from.netns,
    cpu: from.cpu,
    end_cpu: endCpu,
  };
}
