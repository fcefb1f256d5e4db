import type { Attributes } from '@opentelemetry/api';
import {
  ATTR_CODE_FUNCTION_NAME,
  ATTR_CODE_STACKTRACE,
  ATTR_DESTINATION_ADDRESS,
  ATTR_DESTINATION_PORT,
  ATTR_NETWORK_CONNECTION_STATE,
  ATTR_NETWORK_INTERFACE_NAME,
  ATTR_NETWORK_IO_DIRECTION,
  ATTR_NETWORK_LOCAL_PORT,
  ATTR_NETWORK_PEER_PORT,
  ATTR_NETWORK_TRANSPORT,
  ATTR_NETWORK_TYPE,
  ATTR_PACKET_DROP_REASON,
  ATTR_SOURCE_ADDRESS,
  ATTR_SOURCE_PORT,
  ATTR_TCP_CONNECTION_ID,
  ATTR_TCP_RESET_REASON,
  EVENT_PACKET_DROP,
  EVENT_TCP_RESET,
} from '../../semconv/index.ts';
import type { DropRecord, KernelNames, ResetRecord } from '../model/record.ts';
import type { ConnectionIds } from './connection-id.ts';
import type { Decision } from './decide.ts';
import { decide } from './decide.ts';
import type { Emitter } from './emitter.ts';
import { maskAddress, type AddressMode } from './mask.ts';
import type { SocketAttributes } from './socket-attributes.ts';

export interface PacketStageParts {
  readonly emitter: Emitter;
  readonly sockets: SocketAttributes;
  readonly connectionIds: ConnectionIds;
  readonly addresses: AddressMode;
  readonly names: KernelNames;
  count(decision: Decision): Decision;
}

/** Events about single packets: drops and resets. */
export class PacketStage {
  readonly #parts: PacketStageParts;

  constructor(parts: PacketStageParts) {
    this.#parts = parts;
  }

  reset(record: ResetRecord): void {
    const { emitter, sockets, names } = this.#parts;
    emitter.event(EVENT_TCP_RESET, {
      record,
      attributes: () => {
        const reason = names.resetReason(record.reason);
        return {
          ...sockets.connection(record),
          [ATTR_NETWORK_IO_DIRECTION]: record.direction,
          ...(record.state !== undefined && { [ATTR_NETWORK_CONNECTION_STATE]: record.state }),
          ...(reason !== undefined && { [ATTR_TCP_RESET_REASON]: reason }),
        };
      },
    });
  }

  drop(record: DropRecord): void {
    const { context } = this.#parts.count(decide(record.context, record.timeNs));
    this.#parts.emitter.event(EVENT_PACKET_DROP, {
      record,
      context,
      attributes: () => this.#dropAttributes(record),
    });
  }

  #dropAttributes(record: DropRecord): Attributes {
    const { names, connectionIds } = this.#parts;
    const attributes: Attributes = {
      [ATTR_NETWORK_TRANSPORT]: 'tcp',
      [ATTR_NETWORK_TYPE]: record.family === 6 ? 'ipv6' : 'ipv4',
      [ATTR_PACKET_DROP_REASON]: names.dropReason(record.reason),
    };
    const set = (key: string, value: string | number | undefined): void => {
      if (value !== undefined && value !== 0 && value !== '') attributes[key] = value;
    };
    const { addresses } = this.#parts;
    set(ATTR_SOURCE_ADDRESS, maskAddress(record.sourceAddress, addresses));
    set(ATTR_SOURCE_PORT, record.sourcePort);
    set(ATTR_DESTINATION_ADDRESS, maskAddress(record.destinationAddress, addresses));
    set(ATTR_DESTINATION_PORT, record.destinationPort);
    set(ATTR_NETWORK_LOCAL_PORT, record.localPort);
    set(ATTR_NETWORK_PEER_PORT, record.peerPort);
    set(ATTR_NETWORK_CONNECTION_STATE, record.state);
    set(ATTR_NETWORK_INTERFACE_NAME, record.interfaceName);
    set(ATTR_CODE_FUNCTION_NAME, names.functionAt(record.location));
    const stack = record.stack.map((address) => names.functionAt(address) ?? `0x${address.toString(16)}`);
    set(ATTR_CODE_STACKTRACE, stack.join('\n'));
    if (record.cookie !== 0n) set(ATTR_TCP_CONNECTION_ID, connectionIds(record.netns, record.cookie));
    return attributes;
  }
}
