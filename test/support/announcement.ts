/** What an application announces of a socket (docs/hook.md). */
import { ANNOUNCEMENT, ANNOUNCEMENT_OPTION } from '../../receiver/decode/generated/layout.ts';
import { ScriptError, type TcpScript } from './script.ts';

const {
  ANNOUNCEMENT_LEVEL: LEVEL,
  ANNOUNCEMENT_NAME: NAME,
  ANNOUNCEMENT_NEXT_CONNECT: NEXT_CONNECT,
  ANNOUNCEMENT_VERSION: VERSION,
} = ANNOUNCEMENT_OPTION;

const ENOPROTOOPT = 92;

/** Ids as hexadecimal; W3C flags. */
interface Context {
  readonly traceId: string;
  readonly spanId: string;
  readonly flags: number;
}

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

/**
 * The same of the connect() that the script's thread calls next; `socket` is any.
 * @throws ScriptError when nobody takes it
 */
export function announceConnect(script: TcpScript, socket: number, value: Context): Promise<number> {
  return announce(script, socket, value, NEXT_CONNECT);
}

/** The answer when nobody listens, or it is no announcement. */
export function isUnheard(error: unknown): boolean {
  return error instanceof ScriptError && error.errno === ENOPROTOOPT;
}
