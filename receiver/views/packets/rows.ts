import { flagNames, millisecondsBetween, timeOfDay, timeStamp, type Column } from '../columns.ts';
import type { ViewTools } from '../view.ts';
import type { PacketRecord, Stage } from '../../model/packets.ts';
import { stagesOf } from '../../packets/stages.ts';
import type { Way } from '../../packets/ways.ts';

/** The time of day with microseconds. */
function timeText(unixNs: bigint): string {
  return `${timeOfDay(unixNs)}.${((unixNs / 1000n) % 1_000_000n).toString().padStart(6, '0')}`;
}

export const HEAD_COLUMNS: readonly Column[] = [
  ['SADDR:SPORT', 22],
  ['>', 1],
  ['DADDR:DPORT', 22],
  ['(FLAGS)', 9],
  ['SEQ', -10],
  ['ACK', -10],
  ['WIN', -5],
  ['LEN', -5],
  ['SEGS', -4],
];

/** What the headers say, below `HEAD_COLUMNS`. */
export function headTexts(head: PacketRecord): string[] {
  return [
    `${head.sourceAddress}:${String(head.sourcePort)}`,
    '>',
    `${head.destinationAddress}:${String(head.destinationPort)}`,
    `(${flagNames(head.flags).join('|')})`,
    ...[head.seq, head.ack, head.window, head.payload, head.segments].map(String),
  ];
}

/** A way, and what is slow of it. */
export interface TimedWay {
  readonly way: Way;
  /** When it was seen first. */
  readonly unixNs: bigint;
  readonly time: string;
  readonly stages: readonly Stage[];
  /** Milliseconds from the first point to the last. */
  readonly totalMs: number;
  /** Why it was lost; undefined: it was not. */
  readonly lost: string | undefined;
}

export function timed(way: Way, { toUnixNs, names }: ViewTools): TimedWay {
  const stages = stagesOf(way);
  const { last } = way;
  const firstNs = way.points[0]?.timeNs ?? last.timeNs;
  const unixNs = toUnixNs(firstNs);
  return {
    way,
    unixNs,
    time: timeText(unixNs),
    stages,
    totalMs: millisecondsBetween(firstNs, last.timeNs),
    lost: last.point === 'lost' ? names.dropReason(last.reason) : undefined,
  };
}

/** What every object of `--json` about a packet begins with. */
export function packetJson({ way: { head }, unixNs }: TimedWay): Readonly<Record<string, unknown>> {
  return {
    time: timeStamp(unixNs),
    ip: head.family,
    source_address: head.sourceAddress,
    source_port: head.sourcePort,
    destination_address: head.destinationAddress,
    destination_port: head.destinationPort,
    flags: flagNames(head.flags),
    sequence: head.seq,
    acknowledgement: head.ack,
    window: head.window,
    bytes: head.payload,
    segments: head.segments,
  };
}
