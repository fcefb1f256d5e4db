/** What an application announces of a socket (docs/hook.md). */
import { ANNOUNCEMENT, ANNOUNCEMENT_OPTION } from '../../../receiver/decode/generated/layout.ts';
import type { TcpScript } from '../../support/script.ts';
import type { Context } from './traceparent.ts';

const {
  ANNOUNCEMENT_LEVEL: LEVEL,
  ANNOUNCEMENT_NAME: NAME,
  ANNOUNCEMENT_VERSION: VERSION,
} = ANNOUNCEMENT_OPTION;

/** Ends an announcement. */
export const NONE: Context = { traceId: '0'.repeat(32), spanId: '0'.repeat(16), flags: 0 };

/** The option's value, in hexadecimal. */
export function announcementOf({ traceId, spanId, flags }: Context, version: number = VERSION): string {
  const bytes = Buffer.alloc(ANNOUNCEMENT.size);
  bytes[ANNOUNCEMENT.version] = version;
  bytes[ANNOUNCEMENT.flags] = flags;
  bytes.write(traceId, ANNOUNCEMENT.trace_id, 'hex');
  bytes.write(spanId, ANNOUNCEMENT.span_id, 'hex');
  return bytes.toString('hex');
}

/** @throws ScriptError when nobody takes it */
export function announce(
  script: TcpScript,
  socket: number,
  value: Context | string,
  name: number = NAME,
): Promise<number> {
  const bytes = typeof value === 'string' ? value : announcementOf(value);
  return script.run('announce', socket, LEVEL, name, bytes);
}
