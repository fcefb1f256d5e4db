import type { DropRecord, ResetRecord } from '../model/record.ts';
import { readAddress, readText } from './bytes.ts';
import { DROP_RECORD, ENDPOINTS, RECORD_HEADER, RESET_RECORD } from './generated/layout.ts';
import { STATE_NAMES } from './names.ts';
import type { OwnerTable } from './owners.ts';
import { decodeContext, decodeSocket } from './socket.ts';

const STACK_FRAMES = (DROP_RECORD.interface - DROP_RECORD.stack) / 8;
const INTERFACE_NAME_LENGTH = DROP_RECORD.size - DROP_RECORD.interface;

/** `struct reset_record`. */
export function decodeReset(view: DataView, at: number, owners: OwnerTable): ResetRecord {
  const state = STATE_NAMES[view.getUint8(at + RESET_RECORD.endpoints + ENDPOINTS.state)];
  return {
    kind: 'reset',
    ...decodeSocket(view, at, owners),
    direction: view.getUint8(at + RESET_RECORD.received) === 0 ? 'transmit' : 'receive',
    reason: view.getUint8(at + RESET_RECORD.reason),
    ...(state !== undefined && { state }),
  };
}

/** `struct drop_record`. */
export function decodeDrop(view: DataView, at: number, owners: OwnerTable): DropRecord {
  const u16 = (offset: number): number => view.getUint16(at + offset, true);
  const family = view.getUint8(at + DROP_RECORD.family) === 6 ? 6 : 4;
  const isOnWire = u16(DROP_RECORD.source_port) !== 0;
  const address = (offset: number): string => (isOnWire ? readAddress(view, at + offset, family) : '');
  const state = STATE_NAMES[view.getUint8(at + DROP_RECORD.state)];
  const context = decodeContext(view, at + DROP_RECORD.context);
  const stack: bigint[] = [];
  for (let i = 0; i < STACK_FRAMES; i += 1) {
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
    reason: view.getUint32(at + DROP_RECORD.reason, true),
    location: view.getBigUint64(at + DROP_RECORD.location, true),
    stack,
    interfaceName: readText(view, at + DROP_RECORD.interface, INTERFACE_NAME_LENGTH),
    ...(state !== undefined && { state }),
    ...(context !== undefined && { context }),
  };
}
