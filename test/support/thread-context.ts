/** What `tcp-script` publishes of its threads (OTEP 4947), and the program of it that publishes itself. */
import { join } from 'node:path';
import { projectFolder } from '../backends/place.ts';
import type { TcpScript } from './script.ts';

/** Ids as hexadecimal; W3C flags. */
interface Context {
  readonly traceId: string;
  readonly spanId: string;
  readonly flags: number;
}

export const SCHEMA = 'tlsdesc_v1_dev';
/** The program that publishes itself, without a library. */
export const PUBLISHER = join(projectFolder, 'build', 'test', 'kernel', 'publisher-script');

/** 28 bytes in hexadecimal; `valid`: the byte that says so. */
export function recordOf({ traceId, spanId, flags }: Context, valid = 1): string {
  return `${traceId}${spanId}${Buffer.from([valid, flags, 0, 0]).toString('hex')}`;
}

/** From now on this thread publishes it; undefined: nothing. */
export async function publish(script: TcpScript, context: Context | undefined, valid = 1): Promise<void> {
  await script.run('context', 0, context === undefined ? '-' : recordOf(context, valid));
}
