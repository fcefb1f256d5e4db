/** What tests of the hook share: its modules, and what they say. */
import { beforeEach } from 'node:test';
import { EventEmitter } from 'node:events';
import { join } from 'node:path';
import { projectFolder } from '../../backends/place.ts';

export interface Context {
  readonly traceId: string;
  readonly spanId: string;
  readonly traceFlags: number;
}

export interface Announcer {
  open(socket: unknown, context: Context | undefined): void;
  begin(socket: unknown, owner: object, context: Context | undefined): void;
  end(socket: unknown, owner: object): void;
  write(socket: unknown, owner: object, context: Context | undefined): (() => void) | undefined;
}

export interface Calls {
  readonly announce: (fd: number, value: Uint8Array) => number;
  readonly announceConnect: (value: Uint8Array) => number;
}

export interface ClientSpans {
  watch(): void;
  take(system: string, isIts: (name: string) => boolean, parent: unknown): unknown;
}

export interface WantedPackage {
  readonly name: string;
  readonly main: string;
  readonly part?: string;
  readonly majors: readonly number[];
}

export type Enter = (self: unknown, args: unknown[]) => ((result: unknown) => void) | undefined;

type Owner = (socket: unknown) => boolean;

interface HookParts {
  readonly Announcer: new (calls: Calls) => Announcer;
  readonly hookNet: (announcer: Announcer, owners: readonly Owner[]) => void;
  readonly hookHttp2: (announcer: Announcer) => void;
  readonly hookUndici: (announcer: Announcer) => Owner;
  readonly hookHttp: (announcer: Announcer) => Owner;
  readonly ClientSpans: new () => ClientSpans;
  readonly hookIoredis: (announcer: Announcer, clientSpans: object) => void;
  readonly hookPg: (announcer: Announcer, clientSpans: object) => void;
  readonly onPackage: (wanted: WantedPackage, meet: (exports: never) => void) => void;
  readonly wrapMethod: (prototype: object, name: string, enter: Enter) => void;
  readonly headerContext: (value: unknown) => Context | undefined;
}

export const part = async (name: string): Promise<HookParts> =>
  (await import(join(projectFolder, 'hook', `${name}.mjs`))) as HookParts;
const { Announcer } = await part('announcer');

export const [A, B] = ['a1', 'b2'].map((byte, traceFlags) => ({
  traceId: byte.repeat(16),
  spanId: byte.repeat(8),
  traceFlags,
})) as [Context, Context];
export const VALUE_OF_NONE = `0100${'00'.repeat(24)}`;
export const valueOf = ({ traceId, spanId, traceFlags }: Context): string =>
  `010${traceFlags}${traceId}${spanId}`;

/** As `net.Socket` is, as far as the hook looks at it. */
export class FakeSocket extends EventEmitter {
  connecting = false;
  writableLength = 0;
  _handle: unknown = { fd: 7, writeQueueSize: 0 };
}

/** What was said since the test began. */
export const said: string[] = [];
beforeEach(() => {
  said.length = 0;
});
const say = (whose: number | string, value: Uint8Array): number => {
  said.push(`${whose} ${Buffer.from(value).toString('hex')}`);
  return 0;
};
export const announcer: Announcer = new Announcer({
  announce: say,
  announceConnect: (value) => say('next', value),
});
