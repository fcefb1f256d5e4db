import type { RecordDecoder } from '../../decode/batch.ts';
import { readAddress, readText } from '../../decode/bytes.ts';
import {
  DROP_RECORD,
  DROP_RECORD_LENGTH,
  PROBE_ID,
  RECORD_HEADER,
  RECORD_KIND,
} from '../../decode/generated/layout.ts';
import { STATE_NAMES } from '../../decode/names.ts';
import type { OwnerTable } from '../../decode/owners.ts';
import { decodeContext, decodeStream } from '../../decode/socket.ts';
import type { DropRecord } from '../../model/record.ts';

function decodeDrop(view: DataView, at: number, owners: OwnerTable): DropRecord {
  const u16 = (offset: number): number => view.getUint16(at + offset, true);
  const family = view.getUint8(at + DROP_RECORD.family) === 6 ? 6 : 4;
  const isOnWire = u16(DROP_RECORD.source_port) !== 0;
  const address = (offset: number): string => (isOnWire ? readAddress(view, at + offset, family) : '');
  const state = STATE_NAMES[view.getUint8(at + DROP_RECORD.state)];
  const context = decodeContext(view, at + DROP_RECORD.context);
  const stream = decodeStream(view, at + DROP_RECORD.stream);
  const stack: bigint[] = [];
  for (let i = 0; i < DROP_RECORD_LENGTH.stack; i += 1) {
    const frame = view.getBigUint64(at + DROP_RECORD.stack + 8 * i, true);
    if (frame !== 0n) stack.push(frame);
  }
  return {
    kind: 'drop',
    timeNs: view.getBigUint64(at + RECORD_HEADER.ts_ns, true),
    cookie: view.getBigUint64(at + DROP_RECORD.cookie, true),
    netns: view.getUint32(at + DROP_RECORD.netns, true),
    owner: owners.find(view, at + DROP_RECORD.owner),
    family,
    sourceAddress: address(DROP_RECORD.source),
    sourcePort: u16(DROP_RECORD.source_port),
    destinationAddress: address(DROP_RECORD.destination),
    destinationPort: u16(DROP_RECORD.destination_port),
    localPort: u16(DROP_RECORD.local_port),
    peerPort: u16(DROP_RECORD.peer_port),
    flags: view.getUint8(at + DROP_RECORD.flags),
    reason: view.getUint32(at + DROP_RECORD.reason, true),
    location: view.getBigUint64(at + DROP_RECORD.location, true),
    stack,
    interfaceName: readText(view, at + DROP_RECORD.interface, DROP_RECORD_LENGTH.interface),
    ...(state !== undefined && { state }),
    ...(context !== undefined && { context }),
    ...(stream !== undefined && { stream }),
  };
}

/** `struct drop_record`. */
export const dropDecoder: RecordDecoder<DropRecord> = {
  kind: RECORD_KIND.RECORD_DROP,
  size: DROP_RECORD.size,
  decode: decodeDrop,
  probeOf: () => PROBE_ID.PROBE_DROP,
};
