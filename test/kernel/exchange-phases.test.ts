/** How exchanges divide, at both ends: each phase is as long as the workload's own clock says, and the sums are exact. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { ExchangePhases } from '../../receiver/model/exchange-phases.ts';
import type { ExchangeRecord } from '../../receiver/model/record.ts';
import { clientEndOf, divide, type Division, type Phase } from '../../receiver/signals/exchange/phases.ts';
import { Cleanup } from '../support/cleanup.ts';
import { hex } from '../support/script.ts';
import { head, newContext, requestOf, valueOf } from '../support/traceparent.ts';
import { ALL_SIGNALS } from '../support/watcher.ts';
import { Asker, type Span } from './rig/asker.ts';
import type { Stage } from './rig/conversation.ts';
import { openStage } from './rig/stage.ts';
import { answerOf } from './rig/service.ts';

/** Milliseconds that the workload sleeps: no two sums of them are the same. */
const SLEEPS = { beforeRead: 7, beforeAnswer: 11, inAnswer: 13, beforeClientReads: 17, inRequest: 29 };
const MS = 1_000_000n;

interface Told extends ExchangeRecord {
  readonly phases: ExchangePhases;
}

/** The last that was told of an exchange, how it divides, and how long it was. */
function dividedOf(records: readonly ExchangeRecord[]): { told: Told; division: Division; lengthNs: bigint } {
  const told = records.at(-1) as Told;
  assert.ok(told.phases, 'phases were followed');
  const startNs = told.context?.requestStartNs ?? 0n;
  const knownNs = told.role === 'server' ? told.lastNs : clientEndOf(told, told.phases);
  const endNs = told.lastNs === 0n ? told.timeNs : knownNs;
  return { told, division: divide(told, told.phases, { startNs, endNs }), lengthNs: endNs - startNs };
}

/** From one moment to another, each known to lie between two readings of the clock: at least and at most. */
function between([from, until]: Span, [laterFrom, laterUntil]: Span): Span {
  return [laterFrom - until, laterUntil - from];
}

/** Its phases are disjoint parts of all its time, and these are as long as the workload's clock says. */
function assertDivides(
  { division, lengthNs }: { readonly division: Division; readonly lengthNs: bigint },
  expected: Readonly<Partial<Record<Phase, Span>>>,
): void {
  const all = JSON.stringify([...division].map(([phase, ns]) => [phase, Number(ns) / 1e6]));
  let sum = 0n;
  for (const ns of division.values()) {
    assert.ok(ns > 0n, all);
    sum += ns;
  }
  assert.equal(sum, lengthNs, all);
  for (const [phase, [least, most]] of Object.entries(expected)) {
    const ns = division.get(phase as Phase) ?? 0n;
    assert.ok(ns >= least && ns <= most, `${phase} is not from ${least} to ${most}: ${all}`);
  }
}

const sumOf = (...spans: readonly Span[]): Span =>
  spans.reduce(([least, most], [moreLeast, moreMost]) => [least + moreLeast, most + moreMost], [0n, 0n]);

const NONE: Span = [0n, 0n];

describe('phases of exchanges', () => {
  const cleanup = new Cleanup();
  let stage: Stage;

  before(async () => {
    stage = await openStage(cleanup, {
      emit: { ...ALL_SIGNALS.emit, exchange: 'on' },
      exchangePhases: true,
    });
  });
  after(() => cleanup.run());

  /** Between which readings of the clock a command of the workload was. */
  async function timed(name: string, socket: number, value: string | number): Promise<Span> {
    const from = process.hrtime.bigint();
    await stage.script.run(name, socket, value);
    return [from, process.hrtime.bigint()];
  }

  const sleep = async (ms: number): Promise<unknown> => stage.script.run('sleep', 0, ms);

  /** Between which moments the client acknowledged all. */
  const acked = async (asker: Asker, since: Span): Promise<Span> => asker.acked(since[0]);

  test('a server and a client that take their time, each millisecond in its phase', async () => {
    const asker = await Asker.open(stage);
    const request = requestOf(newContext());
    const [first, second] = [answerOf(2_000), 'z'.repeat(500)];
    const asked = await timed('write', asker.client, hex(request));
    await sleep(SLEEPS.beforeRead);
    const read = await timed('read', asker.server, request.length);
    await sleep(SLEEPS.beforeAnswer);
    const begun = await timed('write', asker.server, hex(first));
    await sleep(SLEEPS.inAnswer);
    const written = await timed('write', asker.server, hex(second));
    await sleep(SLEEPS.beforeClientReads);
    const taken = await timed('read', asker.client, first.length + second.length);
    await acked(asker, written);
    await asker.close();
    const client = dividedOf(await asker.ended());
    const server = dividedOf(await asker.ended('server'));
    assertDivides(server, {
      receive_queue: between(asked, read),
      application: between(read, written),
      unknown: NONE,
    });
    assertDivides(client, {
      peer: between(asked, begun),
      receive_queue: between(begun, taken),
      response: NONE,
      unknown: NONE,
    });
    const least = BigInt(SLEEPS.inAnswer + SLEEPS.beforeClientReads) * MS;
    assert.ok((client.division.get('receive_queue') ?? 0n) >= least);
  });

  test('a client that reads what is there and waits for the rest', async () => {
    const asker = await Asker.open(stage);
    const request = requestOf(newContext());
    const [first, second] = [answerOf(300), 'z'.repeat(500)];
    const asked = await timed('write', asker.client, hex(request));
    await stage.script.run('read', asker.server, request.length);
    const begun = await timed('write', asker.server, hex(first));
    await sleep(SLEEPS.beforeRead);
    const readFirst = await timed('read', asker.client, first.length);
    await sleep(SLEEPS.inAnswer);
    const rest = await timed('write', asker.server, hex(second));
    await sleep(SLEEPS.beforeClientReads);
    const readRest = await timed('read', asker.client, second.length);
    await asker.close();
    assertDivides(dividedOf(await asker.ended()), {
      peer: between(asked, begun),
      response: between(readFirst, rest),
      receive_queue: sumOf(between(begun, readFirst), between(rest, readRest)),
      unknown: NONE,
    });
  });

  test('a request in several writes: its own time at the client, that of its arrival at the server', async () => {
    const asker = await Asker.open(stage);
    const body = 'b'.repeat(400);
    const text = head(
      [`traceparent: ${valueOf(newContext())}`, `Content-Length: ${body.length}`],
      'POST / HTTP/1.1',
    );
    const asked = await timed('write', asker.client, hex(text));
    await sleep(SLEEPS.inRequest);
    const whole = await timed('write', asker.client, hex(body));
    await sleep(SLEEPS.beforeRead);
    const read = await timed('read', asker.server, text.length + body.length);
    const answered = await timed('write', asker.server, hex(answerOf()));
    const taken = await timed('read', asker.client, answerOf().length);
    await acked(asker, answered);
    await asker.close();
    assertDivides(dividedOf(await asker.ended('server')), {
      request: between(asked, whole),
      receive_queue: between(whole, read),
      application: between(read, answered),
      unknown: NONE,
    });
    assertDivides(dividedOf(await asker.ended()), {
      application: between(asked, whole),
      peer: between(whole, answered),
      receive_queue: between(answered, taken),
      unknown: NONE,
    });
  });

  test('a request and an answer that were lost once', async () => {
    const asker = await Asker.open(stage);
    const request = requestOf(newContext());
    stage.dropper.lose(stage.port, { copies: 1 });
    const asked = await timed('write', asker.client, hex(request));
    const read = await timed('read', asker.server, request.length);
    stage.dropper.rest();
    await sleep(SLEEPS.beforeAnswer);
    stage.dropper.lose(asker.localPort, { copies: 1 });
    const written = await timed('write', asker.server, hex(answerOf()));
    const taken = await timed('read', asker.client, answerOf().length);
    stage.dropper.rest();
    await acked(asker, written);
    await asker.close();
    const [client, server] = [dividedOf(await asker.ended()), dividedOf(await asker.ended('server'))];
    const lastOf = (end: 'client' | 'server'): bigint => asker.retransmits(end).at(-1)?.timeNs ?? 0n;
    assert.equal(client.division.get('retransmit'), lastOf('client') - client.told.phases.writtenNs);
    assert.equal(server.division.get('retransmit'), lastOf('server') - server.told.phases.writtenNs);
    assertDivides(client, { retransmit: between(asked, read), unknown: NONE });
    assertDivides(server, {
      application: between(read, written),
      retransmit: [1n, between(written, taken)[1]],
      unknown: NONE,
    });
  });

  test('an answer that waits for the window of a client that does not read', async () => {
    const asker = await Asker.open(stage);
    await stage.script.run('buffers', asker.client, 65_536, 65_536);
    await stage.script.run('buffers', asker.server, 1_000_000, 65_536);
    const request = requestOf(newContext());
    const body = 'w'.repeat(200_000);
    const answer = `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    const asked = await timed('write', asker.client, hex(request));
    const read = await timed('read', asker.server, request.length);
    const written = await timed('write', asker.server, hex(answer));
    await sleep(SLEEPS.beforeClientReads);
    const taken = await timed('read', asker.client, answer.length);
    await acked(asker, written);
    await asker.close();
    assertDivides(dividedOf(await asker.ended('server')), {
      receive_queue: between(asked, read),
      application: between(read, written),
      send: between(written, taken),
      retransmit: NONE,
      unknown: NONE,
    });
    const client = dividedOf(await asker.ended());
    assertDivides(client, { peer: between(asked, written), unknown: NONE });
    assert.ok((client.division.get('receive_queue') ?? 0n) >= BigInt(SLEEPS.beforeClientReads) * MS);
  });
});
