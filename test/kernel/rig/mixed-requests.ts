/** Requests of all kinds on one server, and what each of them spent its time on by the workload's clock. */
import assert from 'node:assert/strict';
import type { ExchangeRecord } from '../../../receiver/model/record.ts';
import { hex } from '../../support/script.ts';
import { newContext, requestOf, type Context } from '../../support/traceparent.ts';
import { Asker, type Span } from './asker.ts';
import type { Stage } from './conversation.ts';
import { assertDivides, between, dividedOf, NONE } from './divided.ts';
import { answerOf } from './service.ts';

const [CONNECTIONS, TURNS] = [25, 10];

interface MixedTurn {
  readonly context: Context;
  readonly isSampled: boolean;
  /** Each of its segments was lost once on its way to the server. */
  readonly isLost: boolean;
  readonly asked: Span;
  /** The first of a connection that was opened for it. */
  readonly accepted?: Span;
  readonly read: Span;
  readonly answered: Span;
  readonly taken: Span;
}

/** A connection that is closed. */
interface MixedConnection {
  readonly asker: Asker;
  readonly turns: readonly MixedTurn[];
}

/** 250 requests to a server that takes so long for each. Every third is not sampled, every fiftieth is lost once. */
export async function playMixed(stage: Stage, sleepMs: number): Promise<MixedConnection[]> {
  const played: MixedConnection[] = [];
  for (let number = 0; number < CONNECTIONS; number += 1) {
    const isOpenedFor = number % 2 === 0;
    const asker = await (isOpenedFor ? Asker.make(stage) : Asker.open(stage));
    const turns: MixedTurn[] = [];
    for (let turn = 0; turn < TURNS; turn += 1) {
      const kind = {
        isSampled: (number + turn) % 3 !== 2,
        isLost: turn === 5 && number % 5 === 0,
        isFirst: isOpenedFor && turn === 0,
      };
      turns.push(await playTurn({ stage, asker, sleepMs }, kind));
    }
    await asker.close();
    played.push({ asker, turns });
  }
  return played;
}

async function playTurn(
  { stage, asker, sleepMs }: { readonly stage: Stage; readonly asker: Asker; readonly sleepMs: number },
  { isSampled, isLost, isFirst }: Record<'isSampled' | 'isLost' | 'isFirst', boolean>,
): Promise<MixedTurn> {
  const timed = async (...words: readonly (string | number)[]): Promise<Span> => {
    const from = process.hrtime.bigint();
    await stage.script.run(...words);
    return [from, process.hrtime.bigint()];
  };
  const context = newContext(isSampled ? 1 : 0);
  const [request, answer] = [requestOf(context), answerOf()];
  if (isLost) stage.dropper.lose(stage.port, { copies: 1 });
  const asked = isFirst ? await asker.openFor(request) : await timed('write', asker.client, hex(request));
  const accepted = isFirst ? await timed('accept', asker.server, stage.listener) : undefined;
  const read = await timed('read', asker.server, request.length);
  stage.dropper.rest();
  await stage.script.run('sleep', 0, sleepMs);
  const answered = await timed('write', asker.server, hex(answer));
  const taken = await timed('read', asker.client, answer.length);
  return { context, isSampled, isLost, asked, ...(accepted && { accepted }), read, answered, taken };
}

/** At both ends there is an exchange of each sampled request and of no other, which divides as it was. */
export async function checkMixed({ asker, turns }: MixedConnection): Promise<void> {
  const sampled = turns.filter(({ isSampled }) => isSampled);
  for (const end of ['client', 'server'] as const) {
    const ended = (await asker.ended(end)).filter(({ what }) => what !== 'answered');
    const ids = ended.map(({ context }) => context?.traceId);
    assert.deepEqual(
      ids,
      sampled.map(({ context }) => context.traceId),
      end,
    );
    for (const [nth, turn] of sampled.entries()) {
      const record = ended[nth] as ExchangeRecord;
      if (end === 'client') checkClient(record, turn);
      else checkServer(record, turn);
    }
  }
}

function checkClient(record: ExchangeRecord, { isLost, accepted, asked, answered, taken }: MixedTurn): void {
  const divided = dividedOf([record]);
  const { told, division } = divided;
  // A machine that stands still sends again what was not lost, too.
  const isSentAgain = told.segmentsRetransmitted > 0;
  assert.ok(isSentAgain || !isLost);
  const [least, most] = between(asked, answered);
  assertDivides(divided, {
    peer: isSentAgain ? [0n, most] : [least, most],
    retransmit: isSentAgain ? [0n, most] : NONE,
    receive_queue: between(answered, taken),
    handshake: accepted ? [0n, asked[1] - asked[0]] : NONE,
    ...(told.segmentsRetransmitted <= told.phases.segmentsSeen && { unknown: NONE }),
  });
  if (isLost && told.phases.segmentsSeen > 0) assert.ok((division.get('retransmit') ?? 0n) > 0n);
}

function checkServer(record: ExchangeRecord, { isLost, accepted, asked, read, answered }: MixedTurn): void {
  const divided = dividedOf([record]);
  const [least, most] = between(accepted ?? asked, read);
  const isDelayed = isLost || divided.told.segmentsRetransmitted > 0;
  assertDivides(divided, {
    accept_queue: accepted ? between(asked, accepted) : NONE,
    receive_queue: isDelayed ? [0n, most] : [least, most],
    application: between(read, answered),
    ...(!isDelayed && { retransmit: NONE, unknown: NONE }),
  });
}
