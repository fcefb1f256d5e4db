import type { QueueOverflow } from './queues.ts';
import { readAddress } from '../../decode/bytes.ts';
import { LISTENER, LISTENER_KEY } from '../../decode/generated/layout.ts';
import type { QueueOverflowRecord } from '../../model/record.ts';

/** A full queue as an event says it: `nowNs` is CLOCK_MONOTONIC. */
export function queueOverflowRecord({ row, action }: QueueOverflow, nowNs: bigint): QueueOverflowRecord {
  const { memory, local, key, owner, port } = row;
  const family = key[LISTENER_KEY.family] === 6 ? 6 : 4;
  const view = new DataView(local.buffer, local.byteOffset, local.byteLength);
  return {
    kind: 'queue_overflow',
    timeNs: nowNs,
    cookie: BigInt(memory.seen(LISTENER.cookie)),
    netns: memory.seen(LISTENER.netns),
    owner,
    endpoints: {
      family,
      localAddress: readAddress(view, 0, family),
      localPort: port,
      peerAddress: '',
      peerPort: 0,
    },
    backlog: memory.seen(LISTENER.backlog),
    ...(action !== undefined && { action }),
  };
}
