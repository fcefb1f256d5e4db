/** Many served connections with random messages, segments and losses at both ends: no link is ever a wrong one. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Cleanup } from '../support/cleanup.ts';
import { Dice } from './rig/dice.ts';
import { answerOf, Service, withAnswers, type ServiceStage } from './rig/service.ts';
import { openLane, openStage } from './rig/stage.ts';
import { head, newContext, padding, requestOf, valueOf, type Context } from '../support/traceparent.ts';

const CONNECTIONS = 31;
const MESSAGES = 7;
/** Connections at a time, each in a process of its own. */
const LANES = 12;
/** One segment of so many with payload never arrives, before any program can see it. */
const LOST_OF = 19;
/** At least this share of what is sent again of an answer is linked where nobody pipelines. */
const FOUND_SHARE = 0.9;

type Message = readonly [bytes: string, context?: Context];

function request(dice: Dice): Message {
  const filler = padding(11 + dice.below(900));
  if (dice.below(4) === 0) return [head([filler])];
  const context = newContext(dice.below(2));
  const lines = [filler, `traceparent: ${valueOf(context)}`];
  if (dice.below(2) === 0) return [head(lines), context];
  const body = dice.below(2) === 0 ? requestOf(newContext()) : 'x'.repeat(1 + dice.below(3_000));
  return [head([...lines, `Content-Length: ${body.length}`], 'POST / HTTP/1.1') + body, context];
}

/** The same bytes in pieces of chance, mostly one. */
function cut(dice: Dice, bytes: string): string[] {
  const pieces: string[] = [];
  for (let at = 0; at < bytes.length;) {
    const size = dice.below(3) === 0 ? 1 + dice.below(bytes.length) : bytes.length;
    pieces.push(bytes.slice(at, at + size));
    at += size;
  }
  return pieces;
}

/** A status line is in one write, as servers write it. */
function answer(dice: Dice): string[] {
  const text = answerOf(dice.below(4) === 0 ? 2_000 : 20 + dice.below(400));
  const at = 20 + dice.below(text.length - 20);
  return dice.below(2) === 0 ? [text] : [text.slice(0, at), text.slice(at)].filter((part) => part !== '');
}

describe('served streams', () => {
  const cleanup = new Cleanup();
  let stage: ServiceStage;

  before(async () => {
    stage = withAnswers(cleanup, await openStage(cleanup));
    stage.room.filter(`meta length > 60 numgen random mod ${String(LOST_OF)} == 0 drop`);
  });
  after(() => cleanup.run());

  const seed = Number(process.env['WIRESPAN_TEST_SEED'] ?? Date.now());

  /** Asks for several things at once, and is answered in order. */
  async function pipeline(s: Service, dice: Dice): Promise<void> {
    const asked = Array.from({ length: 2 + dice.below(2) }, () => request(dice));
    const bytes = asked.map(([text]) => text).join('');
    await s.ask(...cut(dice, bytes));
    let answered = 0;
    for (const [, context] of asked) {
      const pieces = answer(dice);
      await s.reply(context, ...pieces);
      answered += pieces.join('').length;
    }
    await s.settle(answered);
  }

  async function play(lane: ServiceStage, dice: Dice, pipelines: boolean): Promise<Service> {
    const s = await Service.open(lane, {
      mss: [0, 100, 536][dice.below(3)] ?? 0,
      isLosing: true,
      permille: 300,
    });
    for (let message = 0; message < MESSAGES; message += 1) {
      if (pipelines && dice.below(5) === 0) {
        await pipeline(s, dice);
        continue;
      }
      const [bytes, context] = request(dice);
      await s.ask(...cut(dice, bytes));
      await s.answer(context, ...answer(dice));
    }
    await s.close();
    return s;
  }

  for (const pipelines of [false, true]) {
    const name = pipelines ? 'pipelined now and then' : 'one request after the other';
    test(`${CONNECTIONS} connections, ${name}, seed ${seed}`, async (t) => {
      const totals = { found: 0, possible: 0 };
      let next = 0;
      const lanes = Array.from({ length: LANES }, async () => {
        const lane = withAnswers(cleanup, await openLane(cleanup, stage));
        while (next < CONNECTIONS) {
          next += 1;
          const { found, possible } = (await play(lane, new Dice(seed + next), pipelines)).check();
          totals.found += found;
          totals.possible += possible;
        }
      });
      await Promise.all(lanes);
      t.diagnostic(`${totals.found} links, all right, of ${totals.possible} that there could be`);
      assert.ok(totals.found > CONNECTIONS);
      if (!pipelines) assert.ok(totals.found >= totals.possible * FOUND_SHARE);
    });
  }
});
