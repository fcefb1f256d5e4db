/** Many streams of every message shape with random losses: no byte ever under another request. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Cleanup } from '../support/cleanup.ts';
import { Conversation, type Stage } from './rig/conversation.ts';
import { Dice } from './rig/dice.ts';
import { openLane, openStage } from './rig/stage.ts';
import {
  chunk,
  chunkedHead,
  head,
  lastChunk,
  newContext,
  padding,
  requestOf,
  valueOf,
  type Context,
} from '../support/traceparent.ts';

const CONNECTIONS = 61;
const MESSAGES = 11;
/** Streams at a time, each in a process of its own. */
const LANES = 8;
/** Requests that may be on the way at once; the kernel side keeps eight. */
const OUTSTANDING = 4;
const PERMILLE = 300;
/** At least this share of the retransmissions must be seen; some hosts skip programs in timers. */
const SEEN_SHARE = 0.9;

type Message = readonly [bytes: string, context?: Context];

function get(dice: Dice): Message {
  const filler = padding(11 + dice.below(500));
  if (dice.below(4) === 0) return [head([filler])];
  const context = newContext(dice.below(2));
  return [head([filler, `traceparent: ${valueOf(context)}`]), context];
}

/** The writes of one message, each with its owner. */
function writes(dice: Dice): readonly (readonly Message[])[] {
  const context = newContext();
  const body = dice.below(3) === 0 ? requestOf(newContext()) : 'x'.repeat(1 + dice.below(3_000));
  const post = head(
    [`traceparent: ${valueOf(context)}`, `Content-Length: ${body.length}`],
    'POST / HTTP/1.1',
  );
  switch (dice.below(9)) {
    case 7:
    case 8:
      return cutAnywhere(
        dice,
        Array.from({ length: 1 + dice.below(3) }, () => get(dice)),
      );
    case 5:
    case 6:
      return chunked(dice);
    case 0:
      return [[[post, context]], [[body, context]]];
    case 1:
      return [[[post + body, context]]];
    case 2:
      return [Array.from({ length: 2 + dice.below(3) }, () => get(dice))];
    default:
      return [[get(dice)]];
  }
}

/** Messages in writes that end anywhere, also in the midst of a head: then it waits for the next one. */
function cutAnywhere(dice: Dice, messages: readonly Message[]): Message[][] {
  const writes: Message[][] = [[]];
  let left = 1 + dice.below(400);
  for (const [bytes, context] of messages)
    for (let at = 0; at < bytes.length;) {
      if (left === 0) {
        writes.push([]);
        left = 1 + dice.below(dice.below(3) === 0 ? 20 : 400);
      }
      const piece = bytes.slice(at, at + left);
      writes.at(-1)?.push(context === undefined ? [piece] : [piece, context]);
      at += piece.length;
      left -= piece.length;
    }
  return writes;
}

/** A body in chunks of chance, some of which are requests, in writes that are cut anywhere. */
function chunked(dice: Dice): readonly (readonly Message[])[] {
  const context = newContext();
  const chunks = Array.from({ length: dice.below(5) }, () => {
    const data = dice.below(2) === 0 ? requestOf(newContext()) : 'x'.repeat(1 + dice.below(2_000));
    return chunk(data, dice.below(3) === 0 ? ';a="b"' : '');
  });
  const body = chunks.join('') + lastChunk(dice.below(3) === 0 ? ['a: b'] : []);
  const pieces: string[] = [];
  for (let at = 0; at < body.length;) {
    const size = 1 + dice.below(dice.below(2) === 0 ? 20 : body.length);
    pieces.push(body.slice(at, at + size));
    at += size;
  }
  const head = chunkedHead(context);
  const joined = dice.below(2) === 0 ? [head, ...pieces] : [head + (pieces[0] ?? ''), ...pieces.slice(1)];
  return joined.map((bytes): readonly Message[] => [[bytes, context]]);
}

/** Ends a stream with something whose end nobody can tell: from there on, nothing is owned. */
function ending(dice: Dice): readonly (readonly Message[])[] {
  const context = newContext();
  const traceparent = `traceparent: ${valueOf(context)}`;
  const stranger: Message = [requestOf(newContext())];
  switch (dice.below(4)) {
    case 0:
      return [[[head([traceparent, 'Transfer-Encoding: chunked'], 'POST / HTTP/1.1'), context]], [stranger]];
    case 1:
      return [[[head([traceparent], 'CONNECT a.test:443 HTTP/1.1'), context]], [stranger]];
    case 2:
      return [[[stranger[0].slice(0, stranger[0].indexOf('Host'))]], [[padding(4_200)]], [stranger]];
    default:
      return [[['binary \x00\x01\x02'.repeat(1 + dice.below(100))]], [stranger]];
  }
}

describe('streams', () => {
  const cleanup = new Cleanup();
  let stage: Stage;

  before(async () => {
    stage = await openStage(cleanup);
  });
  after(() => cleanup.run());

  const seed = Number(process.env['WIRESPAN_TEST_SEED'] ?? Date.now());

  /** Plays one whole stream and checks every retransmission in it. */
  async function play(lane: Stage, dice: Dice): Promise<Conversation> {
    const c = await Conversation.open(lane, { mss: [0, 100, 536][dice.below(3)] ?? 0, isLosing: true });
    for (let message = 0, outstanding = 0; message <= MESSAGES; message += 1) {
      for (const write of message === MESSAGES ? ending(dice) : writes(dice)) {
        outstanding += write.length;
        if (outstanding > OUTSTANDING) {
          await c.settle();
          outstanding = write.length;
        }
        await c.writeAll(write, { mayBeSentTooEarly: true });
      }
    }
    await c.settle();
    await c.close();
    c.checkContexts();
    return c;
  }

  test(`${CONNECTIONS} streams, seed ${seed}`, async (t) => {
    const played: Conversation[] = [];
    let next = 0;
    const lanes = Array.from({ length: LANES }, async () => {
      const lane = await openLane(cleanup, stage);
      lane.dropper.lose(lane.port, { permille: PERMILLE });
      while (next < CONNECTIONS) {
        next += 1;
        played.push(await play(lane, new Dice(seed + next)));
      }
    });
    await Promise.all(lanes);
    const closed = played.map((c) => c.segments()).filter((segments) => segments !== undefined);
    const sent = closed.reduce((sum, segments) => sum + segments.sent, 0);
    const shown = closed.reduce((sum, segments) => sum + segments.shown, 0);
    const records = played.flatMap((c) => c.retransmits());
    const owned = records.filter(({ record }) => record.context !== undefined).length;
    const possible = played.reduce((sum, c) => sum + c.ownedRetransmits(), 0);
    t.diagnostic(`${sent} segments sent again, ${shown} shown`);
    t.diagnostic(`${owned} links, none wrong, of ${possible} that there could be`);
    assert.equal(played.length, CONNECTIONS);
    assert.ok(closed.length >= CONNECTIONS * SEEN_SHARE, `${closed.length} close records`);
    assert.ok(shown >= sent * SEEN_SHARE && shown <= sent, `${shown} of ${sent} segments`);
    assert.ok(owned > CONNECTIONS);
  });
});
