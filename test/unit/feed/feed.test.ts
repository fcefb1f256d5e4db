/** Views read from an agent: over real sockets, without a kernel. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { existsSync, statSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { afterEach, describe, it } from 'node:test';
import {
  CONNECTION_RECORD,
  RECORD_HEADER,
  RECORD_READER,
  VIEWED_RECORD,
} from '../../../receiver/decode/generated/layout.ts';
import { FeedStream } from '../../../receiver/feed/client.ts';
import { FeedError, FeedReadError } from '../../../receiver/feed/errors.ts';
import { ASKED, greetingLine } from '../../../receiver/feed/protocol.ts';
import { batchOf, connectionRecord, dropRecord, stateRecord } from '../../fixtures/records/write-records.ts';
import { Cleanup } from '../../support/cleanup.ts';
import { waitFor } from '../../support/wait.ts';
import { CLOSES, readAll, say, startFeed } from './fed.ts';

const cleanup = new Cleanup();
afterEach(() => cleanup.run());

const [OPEN, CLOSE] = [1, 4];
const BITS = { close: 1 << VIEWED_RECORD.VIEWED_CLOSE, drop: 1 << VIEWED_RECORD.VIEWED_DROP };

/** As the kernel makes it when nobody but a view wants it. */
function forViews(record: Uint8Array): Uint8Array {
  const marked = Buffer.from(record);
  marked.writeUInt32LE(
    (marked.readUInt32LE(RECORD_HEADER.kind) | RECORD_READER.FOR_VIEWS) >>> 0,
    RECORD_HEADER.kind,
  );
  return marked;
}

function bytesOf(...records: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(batchOf(...records));
}

/** Closes with figures that no compression makes shorter. */
function noisyCloses(count: number): Uint8Array {
  return bytesOf(
    ...Array.from({ length: count }, () => {
      const record = Buffer.from(connectionRecord({ what: CLOSE, pid: 7, startNs: 1n }));
      randomBytes(CONNECTION_RECORD.syn_retransmits - CONNECTION_RECORD.bytes_sent).copy(
        record,
        CONNECTION_RECORD.bytes_sent,
      );
      return record;
    }),
  );
}

describe('a view that reads from an agent', () => {
  it('gets what it asked for, with who it was, and nothing else', async () => {
    const { feed, path, asked, state } = await startFeed(cleanup);
    const mine = { pid: 7, startNs: 1n, localPort: 80, netns: 5 };
    const stream = await FeedStream.open(path, { ...CLOSES, pid: 7, local: [80], netns: 5 });
    assert.deepEqual(asked, [BITS.close]);
    feed.records(
      bytesOf(
        connectionRecord({ ...mine, what: CLOSE, cookie: 1n }),
        connectionRecord({ ...mine, what: OPEN, cookie: 2n }),
        stateRecord(mine),
        forViews(connectionRecord({ ...mine, what: CLOSE, cookie: 3n })),
        connectionRecord({ ...mine, what: CLOSE, pid: 8, cookie: 4n }),
        connectionRecord({ ...mine, what: CLOSE, localPort: 81, cookie: 5n }),
        connectionRecord({ ...mine, what: CLOSE, netns: 6, cookie: 6n }),
      ),
    );
    state.lost = 3;
    stream.finish();
    const { records, reason } = await readAll(stream);
    assert.deepEqual(
      records.map((record) =>
        record.kind === 'owner' ? record.owner.command : 'cookie' in record && record.cookie,
      ),
      ['p7', 1n, 3n],
    );
    assert.equal(reason, 'asked');
    await waitFor('it to be gone', () => feed.counters().readers === 0);
    assert.deepEqual(asked, [BITS.close, 0]);
  });

  it('gets the words for numbers, and what changes of the agent', async () => {
    const { feed, path, asked, state } = await startFeed(cleanup);
    state.lost = 11;
    const others = await FeedStream.open(path, CLOSES);
    const stream = await FeedStream.open(path, { ...CLOSES, events: ['wirespan.packet.drop'] });
    assert.deepEqual(asked, [BITS.close, BITS.close | BITS.drop]);
    feed.records(bytesOf(dropRecord({ timeNs: 1n, reason: 42 })));
    const read = readAll(stream);
    state.lost = 13;
    state.rules = 2;
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    stream.finish();
    const { records, reasons, ask } = await read;
    assert.deepEqual([records.length, reasons], [1, ['reason_42']]);
    assert.deepEqual([ask(ASKED.lost), ask(ASKED.rules)], [13, 2]);
    others.close();
  });

  it('is told that the agent ends', async () => {
    const { feed, path } = await startFeed(cleanup);
    const stream = await FeedStream.open(path, CLOSES);
    const read = readAll(stream);
    feed.records(noisyCloses(1));
    await feed.close();
    const { reason, records } = await read;
    assert.deepEqual([reason, records.length], ['stopped', 2]);
    assert.equal(existsSync(path), false);
  });

  it('is told that it was too slow, which costs another reader nothing', async () => {
    const bounds = { maxWaitingBytes: 1 << 20 };
    const { feed, path, asked } = await startFeed(cleanup, { bounds });
    const slow = await FeedStream.open(path, { ...CLOSES, pid: 7 });
    const quick = await FeedStream.open(path, CLOSES);
    const read = readAll(quick);
    let given = 0;
    for (; feed.counters().cutOff === 0 && given < 100_000; given += 1_000) {
      feed.records(noisyCloses(1_000));
      await new Promise((resolve) => setImmediate(resolve));
    }
    // Nothing is made for who was cut off.
    assert.deepEqual([feed.counters().cutOff, feed.counters().readers], [1, 1]);
    assert.deepEqual(asked, [BITS.close, BITS.close, BITS.close]);
    feed.records(noisyCloses(1));
    const late = await readAll(slow);
    assert.equal(late.reason, 'slow');
    assert.ok(late.records.length < given, `${late.records.length} of ${given}`);
    quick.finish();
    const { records, reason } = await read;
    assert.deepEqual([records.length, reason], [given + 2, 'asked']);
  });

  it('gets a sentence when there are too many', async () => {
    const { feed, path } = await startFeed(cleanup, { bounds: { maxReaders: 2 } });
    const streams = [await FeedStream.open(path, CLOSES), await FeedStream.open(path, CLOSES)];
    await assert.rejects(
      FeedStream.open(path, CLOSES),
      (error) =>
        error instanceof FeedReadError &&
        / refuses: it has 2 readers, and takes no more$/.test(error.message),
    );
    assert.equal(feed.counters().refused, 1);
    for (const stream of streams) stream.close();
    await waitFor('room', () => feed.counters().readers === 0);
    (await FeedStream.open(path, CLOSES)).close();
  });

  it('gets a sentence when what it says is no question of a view', async () => {
    const { feed, path } = await startFeed(cleanup);
    const cases = [
      ['GET / HTTP/1.1\n', 'no line of JSON'],
      ['[]\n', 'no line of JSON'],
      ['{"wirespan":2}\n', 'speaks version 2 of the protocol, and this agent version 1'],
      ['{"wirespan":1,"events":"all"}\n', 'no question of a view'],
      [`{"wirespan":1,"x":"${'x'.repeat(20_000)}"}\n`, 'asked nothing in time'],
    ] as const;
    for (const [text, why] of cases)
      assert.match(await say(path, text), new RegExp(`^{.*"error":".*${why}.*"}\n$`));
    assert.deepEqual(feed.counters(), { readers: 0, cutOff: 0, refused: cases.length });
  });

  it('is told what the agent does not have', async () => {
    const { feed, path } = await startFeed(cleanup, { lacks: () => 'records no stacks' });
    await assert.rejects(FeedStream.open(path, CLOSES), /^Error: the agent at .* records no stacks$/);
    for (const name of ['wirespan.other', 'constructor'])
      await assert.rejects(
        FeedStream.open(path, { ...CLOSES, events: [name] }),
        new RegExp(`records no ${name} for views`),
      );
    assert.equal(feed.counters().refused, 0);
  });

  it('says that nobody is there, or that what is there is no agent', async () => {
    const { path } = await startFeed(cleanup);
    const isAbsent = (error: unknown): boolean => error instanceof FeedReadError && error.isAbsent;
    await assert.rejects(FeedStream.open(`${path}.none`, CLOSES), isAbsent);
    const other = createServer((socket) => socket.end('220 mail\n')).listen(`${path}.other`);
    cleanup.add(() => other.close());
    await assert.rejects(
      FeedStream.open(`${path}.other`, CLOSES),
      /answers nothing that this view understands/,
    );
  });

  it('says that the agent went away, when it did so without a word', async () => {
    const { path } = await startFeed(cleanup);
    const middle = createServer((socket) => {
      const agent = connect({ path });
      socket.pipe(agent);
      agent.once('data', (chunk) => {
        socket.write(chunk, () => setTimeout(() => socket.destroy(), 200));
        agent.destroy();
      });
    }).listen(`${path}.middle`);
    cleanup.add(() => middle.close());
    const stream = await FeedStream.open(`${path}.middle`, CLOSES);
    await assert.rejects(readAll(stream), /went away$/);
  });
});

describe('the socket of an agent', () => {
  it('is for its owner alone unless another mode is asked for, and goes with the agent', async () => {
    const { feed, path } = await startFeed(cleanup);
    assert.equal(statSync(path).mode & 0o777, 0o600);
    await feed.close();
    assert.equal(existsSync(path), false);
    const { path: open } = await startFeed(cleanup, { mode: 0o660 });
    assert.equal(statSync(open).mode & 0o777, 0o660);
  });

  it('takes the place of one that nobody listens at, and of no other', async () => {
    const first = await startFeed(cleanup);
    const { path } = first;
    const refused = (pattern: RegExp) => (error: unknown) =>
      error instanceof FeedError && error.exitCode === 2 && pattern.test(error.message);
    await assert.rejects(startFeed(cleanup, { path }), refused(/another agent listens there: stop it, or/));
    assert.equal(
      (await say(path, greetingLine(CLOSES).slice(0, -2) + '\n')).startsWith('{"wirespan":1,"error"'),
      true,
    );
    // As after SIGKILL.
    const dead = `${path}.dead`;
    const { execFileSync } = await import('node:child_process');
    execFileSync('python3', [
      '-c',
      'import socket,sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])',
      dead,
    ]);
    const second = await startFeed(cleanup, { path: dead });
    (await FeedStream.open(dead, CLOSES)).close();
    await second.feed.close();
    writeFileSync(dead, 'mine');
    await assert.rejects(startFeed(cleanup, { path: dead }), refused(/it is there, and is no socket/));
    await assert.rejects(startFeed(cleanup, { path: `${path}.no/no/here` }), refused(/: ENOENT\.$/));
  });
});
