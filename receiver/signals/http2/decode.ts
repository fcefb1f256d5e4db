import type { RecordDecoder } from '../../decode/batch.ts';
import {
  HTTP2_RECORD,
  HTTP2_RECORD_LENGTH,
  PROBE_ID,
  RECORD_HEADER,
  RECORD_KIND,
  ROLE,
} from '../../decode/generated/layout.ts';
import type { Http2Record } from '../../model/http2-record.ts';

function decodeHttp2(view: DataView, at: number): Http2Record | undefined {
  const u32 = (offset: number): number => view.getUint32(at + offset, true);
  const length = u32(HTTP2_RECORD.length);
  if (length > HTTP2_RECORD_LENGTH.bytes || HTTP2_RECORD.bytes + length > u32(RECORD_HEADER.bytes))
    return undefined;
  return {
    kind: 'http2',
    timeNs: view.getBigUint64(at + RECORD_HEADER.ts_ns, true),
    cookie: view.getBigUint64(at + HTTP2_RECORD.cookie, true),
    netns: u32(HTTP2_RECORD.netns),
    role: view.getUint8(at + HTTP2_RECORD.role) === ROLE.ROLE_SERVER ? 'server' : 'client',
    number: u32(HTTP2_RECORD.number),
    stream: u32(HTTP2_RECORD.stream),
    startSeq: u32(HTTP2_RECORD.start_seq),
    frameLength: u32(HTTP2_RECORD.frame_length),
    offset: u32(HTTP2_RECORD.offset),
    type: view.getUint8(at + HTTP2_RECORD.type),
    flags: view.getUint8(at + HTTP2_RECORD.flags),
    bytes: new Uint8Array(view.buffer, view.byteOffset + at + HTTP2_RECORD.bytes, length),
  };
}

/** `struct http2_record`, which is as long as its bytes. */
export const http2Decoder: RecordDecoder<Http2Record> = {
  kind: RECORD_KIND.RECORD_HTTP2,
  size: HTTP2_RECORD.bytes,
  decode: decodeHttp2,
  probeOf: ({ role }) => (role === 'server' ? PROBE_ID.PROBE_HTTP2_ARRIVE : PROBE_ID.PROBE_HTTP2),
};
