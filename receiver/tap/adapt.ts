import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import type { OtlpProtocol } from '../export/options.ts';
import type { OtlpRequest } from '../export/transport.ts';
import type { TapRequest } from './request.ts';

const unzip = promisify(gunzip);

const NO_JSON =
  'OTLP in JSON cannot be sent on over gRPC: send protobuf, or let wirespan send http/protobuf (otlp.protocol)';
const NO_ENCODING = 'over gRPC only what has no Content-Encoding, or gzip, can be sent on';
const NO_GZIP = 'the body is no gzip, which its Content-Encoding says';

/**
 * A request as the collector's protocol takes it, without a look at what is in it; else why that cannot be. Undefined:
 * uncompressed it has more than `maxBytes`.
 */
export async function adapt(
  { bytes, form }: TapRequest,
  protocol: OtlpProtocol,
  maxBytes: number,
): Promise<OtlpRequest | string | undefined> {
  // How many items there are is not known: what a collector says that it refused is bounded by what bytes can hold.
  const items = maxBytes;
  if (form === undefined) return { bytes, items };
  if (protocol === 'http/protobuf') return { bytes, items, form };
  if (form.type === 'application/json') return NO_JSON;
  if (form.encoding === undefined) return { bytes, items };
  if (form.encoding !== 'gzip') return NO_ENCODING;
  try {
    return { bytes: await unzip(bytes, { maxOutputLength: maxBytes }), items };
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE' ? undefined : NO_GZIP;
  }
}
