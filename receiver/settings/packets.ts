import type { AppConfig } from '../../config/index.ts';
import { EVENT_PACKET_SLOW, METRIC_PACKET_STAGE_DURATION } from '../../semconv/index.ts';
import type { PacketsWanted } from '../model/packets.ts';

/** Which packets' ways the agent follows; undefined: nothing is made of them, and it follows none. */
export function packetsOf(config: AppConfig): PacketsWanted | undefined {
  const isMeasured = config.metrics.get(METRIC_PACKET_STAGE_DURATION.name) ?? false;
  if (!isMeasured && slowPacketMsOf(config) === undefined) return undefined;
  return { ...config.packets, reads: false, senders: true };
}

/** Packets that may be on their way at once, some kilobytes each. */
const MAX_WAYS = 16_384;

/** How many packets' ways are followed at once. */
export function maxWaysOf({ bpf: { maxSeries } }: AppConfig): number {
  return Math.min(MAX_WAYS, maxSeries);
}

/** Milliseconds in one stage above which a packet has an event; undefined: none has. */
export function slowPacketMsOf({ events, thresholds: { packetStage } }: AppConfig): number | undefined {
  const isOn = (events.get(EVENT_PACKET_SLOW.name) ?? 'off') !== 'off';
  return isOn && packetStage > 0 ? packetStage : undefined;
}
