import {
  ATTR_NETWORK_INTERFACE_NAME,
  ATTR_PACKET_STAGE,
  METRIC_PACKET_STAGE_DURATION,
} from '../../../semconv/index.ts';
import { NO_OWNER } from '../../decode/owners.ts';
import { bucketOf } from '../../model/bucket.ts';
import type { Stage, SlowPacketRecord } from '../../model/packets.ts';
import type { RecordHandlers } from '../../model/record-handlers.ts';
import { stagesOf } from '../../packets/stages.ts';
import { Ways, type Way } from '../../packets/ways.ts';
import type { FamilySums, SumsParts } from '../family.ts';

const BOUNDS = METRIC_PACKET_STAGE_DURATION.boundaries ?? [];

/** What was gained since the store was told last, of one stage at one interface. */
interface Gain {
  readonly stage: string;
  readonly interfaceName: string;
  readonly counts: number[];
  sum: number;
}

/** How long packets were in each stage, from ways that are over; those that a stage held too long are told of. */
export class PacketStages implements FamilySums {
  readonly maps = [];
  readonly handlers: RecordHandlers = { packet: (record) => this.#ways.add(record) };
  readonly #parts: SumsParts;
  readonly #ways: Ways;
  readonly #gains = new Map<string, Gain>();

  constructor(parts: SumsParts) {
    this.#parts = parts;
    this.#ways = new Ways(parts.maxWays, false);
  }

  get boundsMet(): Readonly<Record<string, number>> {
    const most = this.#parts.maxWays.toLocaleString('en');
    return { [`packets whose way was cut short (${most} on their way)`]: this.#ways.shortened };
  }

  tick(nowNs: bigint): void {
    this.#count(this.#ways.take(nowNs));
  }

  end(): void {
    this.#count(this.#ways.rest());
  }

  #count(ways: readonly Way[]): void {
    const { context, slowPackets } = this.#parts;
    const isMeasured = context.isOn(METRIC_PACKET_STAGE_DURATION);
    for (const way of ways) {
      if (way.points.some(({ isUnobserved }) => isUnobserved)) continue;
      const stages = stagesOf(way);
      if (isMeasured) for (const stage of stages) this.#add(stage);
      if (slowPackets !== undefined && stages.some(({ ms }) => ms > slowPackets.aboveMs))
        slowPackets.tell(slowPacketOf(way, stages));
    }
    this.#tell();
  }

  #add({ name: stage, ms, from: { interfaceName } }: Stage): void {
    const key = `${stage} ${interfaceName}`;
    let gain = this.#gains.get(key);
    if (gain === undefined) {
      gain = { stage, interfaceName, counts: new Array<number>(BOUNDS.length + 1).fill(0), sum: 0 };
      this.#gains.set(key, gain);
    }
    const seconds = ms / 1e3;
    const at = bucketOf(seconds, BOUNDS);
    gain.counts[at] = (gain.counts[at] ?? 0) + 1;
    gain.sum += seconds;
  }

  #tell(): void {
    const { sink, host } = this.#parts.context;
    for (const { stage, interfaceName, counts, sum } of this.#gains.values())
      sink.addHistogram(
        METRIC_PACKET_STAGE_DURATION,
        host(),
        {
          [ATTR_PACKET_STAGE]: stage,
          ...(interfaceName !== '' && { [ATTR_NETWORK_INTERFACE_NAME]: interfaceName }),
        },
        { counts, sum },
      );
    this.#gains.clear();
  }
}

function slowPacketOf({ points, head, last }: Way, stages: readonly Stage[]): SlowPacketRecord {
  const sent = points.find(({ point, cookie }) => point === 'queue' && cookie !== 0n);
  const longest = stages.reduce((most, stage) => (stage.ms > most.ms ? stage : most));
  return {
    kind: 'slow_packet',
    timeNs: points[0]?.timeNs ?? head.timeNs,
    endNs: last.timeNs,
    owner: sent?.owner ?? NO_OWNER,
    cookie: sent?.cookie ?? 0n,
    netns: sent?.netns ?? 0,
    head,
    stages,
    longest,
    ...(last.point === 'lost' && { lostReason: last.reason }),
    ...(sent?.context !== undefined && { context: sent.context }),
    ...(sent?.stream !== undefined && { stream: sent.stream }),
  };
}
