/** An agent's feed over a real socket, with records that a test makes. */
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OWNER_INFO, OWNER_KEY } from '../../../receiver/decode/generated/layout.ts';
import { OwnerTable } from '../../../receiver/decode/owners.ts';
import type { FeedStream } from '../../../receiver/feed/client.ts';
import type { Greeting } from '../../../receiver/feed/protocol.ts';
import { Feed, type FeedOptions } from '../../../receiver/feed/server.ts';
import type { KernelRecord } from '../../../receiver/model/record.ts';
import { Player } from '../../../receiver/recording/player.ts';
import { tapedNames } from '../../../receiver/recording/taped-kernel.ts';
import { decodeBatch } from '../../../receiver/signals/records.ts';
import type { Cleanup } from '../../support/cleanup.ts';
import { META } from '../recording/written.ts';

export const CLOSES: Greeting = {
  events: ['wirespan.tcp.connection.close'],
  attributes: [],
  traces: false,
  probes: [],
};

export interface Fed {
  readonly feed: Feed;
  readonly path: string;
  /** What the kernel is asked for, each time. */
  readonly asked: number[];
  readonly state: { lost: number; rules: number };
}

/** A feed that listens in a folder of its own. */
export async function startFeed(cleanup: Cleanup, more: Partial<FeedOptions> = {}): Promise<Fed> {
  const folder = mkdtempSync(join(tmpdir(), 'wirespan-feed-'));
  cleanup.add(() => rmSync(folder, { recursive: true, force: true }));
  const path = more.path ?? join(folder, 'views.sock');
  const asked: number[] = [];
  const state = { lost: 0, rules: 0 };
  const feed = new Feed({
    mode: 0o600,
    names: {
      dropReason: (reason) => `reason_${String(reason)}`,
      resetReason: () => undefined,
      functionAt: () => undefined,
    },
    processes: {
      lookup: (key, info) => {
        info.fill(0);
        info.set(Buffer.from(`p${String(Buffer.from(key).readUInt32LE(OWNER_KEY.pid))}`), OWNER_INFO.command);
        return true;
      },
      isInCgroup: () => true,
      cgroupNames: () => false,
    },
    meta: () => META,
    state: () => state,
    lacks: () => undefined,
    ask: (viewed) => void asked.push(viewed),
    drain: () => undefined,
    look: () => ({ pass: 0 }),
    ...more,
    path,
  });
  await feed.listen();
  cleanup.add(() => feed.close());
  return { feed, path, asked, state };
}

/** What a reader got to its end. */
export interface Read {
  readonly records: KernelRecord[];
  readonly reason: string | undefined;
  readonly seen: number | undefined;
  /** Answers to a question, at the end. */
  ask(question: string): unknown;
  readonly reasons: string[];
}

/** Reads until the feed has said its end. */
export async function readAll(stream: FeedStream): Promise<Read> {
  const player = new Player(stream);
  const names = tapedNames(player);
  const owners = new OwnerTable(100, () => false);
  const records: KernelRecord[] = [];
  const reasons: string[] = [];
  while (await stream.next())
    while (player.step() !== undefined)
      player.drainAll((bytes) =>
        decodeBatch(bytes, owners, { decoded: 0, bad: 0 }, (record) => {
          records.push(record);
          if (record.kind === 'drop') reasons.push(names.dropReason(record.reason));
        }),
      );
  stream.close();
  const { reason, seen } = stream.end ?? {};
  return { records, reason, seen, reasons, ask: (question) => player.ask(question) };
}

/** Says this, and nothing more; all that is answered. */
export function say(path: string, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ path });
    let answer = '';
    socket.on('data', (chunk) => (answer += chunk.toString('latin1')));
    socket.once('error', reject).once('close', () => resolve(answer));
    socket.write(text);
  });
}
