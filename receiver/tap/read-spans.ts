import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import type { ServerSpan } from '../model/application-span.ts';
import type { OtlpRequest } from '../export/transport.ts';
import { readServerSpansInJson } from './read-json.ts';
import { readServerSpans } from './read-protobuf.ts';

const unzip = promisify(gunzip);

/**
 * The SERVER spans of a request as it is sent on. Undefined when they cannot be read: what an application sends is its own
 * business and the collector's, so that is no error.
 */
export async function readSpans(
  { bytes, form }: OtlpRequest,
  maxBytes: number,
): Promise<ServerSpan[] | undefined> {
  try {
    if (form?.encoding !== undefined && form.encoding !== 'gzip') return undefined;
    const plain = form?.encoding === 'gzip' ? await unzip(bytes, { maxOutputLength: maxBytes }) : bytes;
    return form?.type === 'application/json' ? readServerSpansInJson(plain) : readServerSpans(plain);
  } catch {
    return undefined;
  }
}
