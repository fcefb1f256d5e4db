/** Lives of one connection, and the changes in them that come by softirq: those are the ones that the kernel skips. */
import assert from 'node:assert/strict';
import { hex, ScriptError, type TcpScript } from '../../support/script.ts';
import type { Skip } from './skips.ts';

export interface Life {
  /** Plays it at a port of its own; resolves to the port when both ends were told to end. */
  play(script: TcpScript): Promise<number>;
  /** Records of closes and failures that it makes. */
  readonly ends: number;
  readonly skips: readonly Skip[];
}

const REQUEST = 'q'.repeat(1_009);
const REPLY = 'a'.repeat(2_003);

/** Sockets of one connection, by their numbers. */
export interface Pair {
  readonly port: number;
  readonly listener: number;
  readonly client: number;
  readonly server: number;
}

/** Accepted, and one message each way. */
export async function openPair(script: TcpScript): Promise<Pair> {
  const { listener, port } = await script.listen();
  const [client, server] = [script.next(), script.next()];
  await script.run('socket', client);
  await script.run('connect', client, port);
  await script.run('accept', server, listener);
  await script.run('write', client, hex(REQUEST));
  await script.run('read', server, REQUEST.length);
  await script.run('write', server, hex(REPLY));
  await script.run('read', client, REPLY.length);
  return { port, listener, client, server };
}

export async function closePair(script: TcpScript, { client, server, listener }: Pair): Promise<void> {
  for (const socket of [client, server, listener]) await script.run('close', socket);
}

/** Opens a connection and does these in turn: a command and whose socket. */
function ending(...steps: readonly (readonly [string, 'client' | 'server'])[]): Life['play'] {
  return async (script) => {
    const pair = await openPair(script);
    for (const [command, end] of steps) await script.run(command, pair[end]);
    await script.run('close', pair.listener);
    return pair.port;
  };
}

async function refuse(script: TcpScript): Promise<number> {
  const { listener, port } = await script.listen();
  await script.run('close', listener);
  const client = script.next();
  await script.run('socket', client);
  await assert.rejects(script.run('connect', client, port), ScriptError);
  await script.run('close', client);
  return port;
}

async function leaveWaiting(script: TcpScript): Promise<number> {
  const { listener, port } = await script.listen();
  const client = script.next();
  await script.run('socket', client);
  await script.run('connect', client, port);
  await script.run('close', listener);
  await script.run('close', client);
  return port;
}

const OPENING: readonly Skip[] = [
  ['syn_sent', 'established'],
  ['listen', 'syn_recv'],
  ['syn_recv', 'established'],
];
const FINS: readonly Skip[] = [
  ...OPENING,
  ['established', 'close_wait'],
  ['fin_wait_1', 'fin_wait_2'],
  ['fin_wait_2', 'close'],
  ['last_ack', 'close'],
  'ws_destroy',
];

export const lives: Readonly<Record<string, Life>> = {
  'closed by the client': {
    play: ending(['close', 'client'], ['close', 'server']),
    ends: 2,
    skips: FINS,
  },
  'closed by the server': {
    play: ending(['close', 'server'], ['close', 'client']),
    ends: 2,
    skips: FINS,
  },
  'half-closed': {
    play: ending(['shutdown', 'client'], ['close', 'server'], ['close', 'client']),
    ends: 2,
    skips: FINS,
  },
  'reset by the client': {
    play: ending(['reset', 'client'], ['close', 'server']),
    ends: 2,
    skips: [...OPENING, ['established', 'close'], 'ws_destroy', 'ws_reset_received'],
  },
  refused: { play: refuse, ends: 1, skips: [['syn_sent', 'close'], 'ws_destroy', 'ws_reset_received'] },
  'never accepted': {
    play: leaveWaiting,
    ends: 2,
    // What ends them is the process that closes the listener: that is not skipped.
    skips: [...OPENING, 'ws_destroy'],
  },
};
