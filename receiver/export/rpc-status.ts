import { BinaryWriter } from '@bufbuild/protobuf/wire';

/** What a collector says of a refusal: `google.rpc.Status`, in gRPC's details and in the body of an HTTP answer. */

/** Bytes of the longest varint. */
const maxVarintBytes = 10;

/** `message`; undefined when there is none, or this is no such message. */
export function messageOf(status: Uint8Array): string | undefined {
  const message = fieldsOf(status).find(({ field }) => field === 2)?.bytes;
  return message === undefined || message.length === 0 ? undefined : Buffer.from(message).toString();
}

/** The bytes of a status with this `message`. */
export function statusOf(message: string): Uint8Array {
  return new BinaryWriter()
    .uint32(2 * 8 + 2)
    .string(message)
    .finish();
}

/** The delay of a `google.rpc.RetryInfo` in `details`, milliseconds, as it was written. */
export function retryDelayOf(status: Uint8Array): number | undefined {
  // Status{3: Any{1: type_url, 2: RetryInfo{1: Duration{1: seconds, 2: nanos}}}}
  for (const detail of fieldsOf(status)) {
    if (detail.field !== 3 || detail.bytes === undefined) continue;
    const any = fieldsOf(detail.bytes);
    const type = any.find((f) => f.field === 1)?.bytes;
    if (type === undefined || !Buffer.from(type).toString().endsWith('/google.rpc.RetryInfo')) continue;
    const info = any.find((f) => f.field === 2)?.bytes;
    const duration = fieldsOf(
      fieldsOf(info ?? new Uint8Array()).find((f) => f.field === 1)?.bytes ?? new Uint8Array(),
    );
    const valueOf = (field: number): number => signed(duration.find((f) => f.field === field)?.value ?? 0);
    return valueOf(1) * 1000 + Math.round(valueOf(2) / 1e6);
  }
  return undefined;
}

/** A negative number is written as its complement to two to the power of 64. */
function signed(varint: number): number {
  return varint >= 2 ** 63 ? varint - 2 ** 64 : varint;
}

interface ProtoField {
  readonly field: number;
  readonly value?: number;
  readonly bytes?: Uint8Array;
}

/** The varint and length-delimited fields of a message; stops at the first thing it does not know. */
function fieldsOf(message: Uint8Array): ProtoField[] {
  const fields: ProtoField[] = [];
  let at = 0;
  const varint = (): number => {
    let value = 0;
    const end = Math.min(message.length, at + maxVarintBytes);
    for (let scale = 1; at < end; scale *= 128) {
      const byte = message[at++] as number;
      value += (byte & 127) * scale;
      if (byte < 128) break;
    }
    return value;
  };
  while (at < message.length) {
    const tag = varint();
    const field = Math.floor(tag / 8);
    if (tag % 8 === 0) fields.push({ field, value: varint() });
    else if (tag % 8 === 2) {
      const length = varint();
      fields.push({ field, bytes: message.subarray(at, at + length) });
      at += length;
    } else break;
  }
  return fields;
}
