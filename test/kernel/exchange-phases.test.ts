/** How exchanges divide, at both ends: each phase is as long as the workload's own clock says, and the sums are exact. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Cleanup } from '../support/cleanup.ts';
import { hex } from '../support/script.ts';
import { head, newContext, requestOf, valueOf } from '../support/traceparent.ts';
import { ALL_SIGNALS } from '../support/watcher.ts';
import { Asker, type Span } from './rig/asker.ts';
import type { Stage } from './rig/conversation.ts';
import { assertDivides, between, dividedOf, NONE, sumOf } from './rig/divided.ts';
import { checkMixed, playMixed } from './rig/mixed-requests.ts';
import { openLane, openStage } from './rig/stage.ts';
import { answerOf } from './rig/service.ts';

/** Milliseconds that the workload sleeps: no two sums of them are the same. */
const SLEEPS = {
  beforeAccept: 19,
  beforeRead: 7,
  beforeAnswer: 11,
  inAnswer: 13,
  beforeClientReads: 17,
  inRequest: 29,
};
const MS = 1_000_000n;
/** Bytes that are kept of a socket at most, and less than a `struct phases` fewer. */
const [OPTMEM, OPTMEM_STEP] = [4_096, 64];
const ATTEMPTS = 5;

function boundKept({ room }: Stage, bytes: number): void {
  room.sysctl('net/core/optmem_max', String(bytes));
}

function hasOwnBound(stage: Stage): boolean {
  try {
    boundKept(stage, OPTMEM);
    return true;
  } catch {
    return false;
  }
}

interface Opened extends Readonly<Record<'asked' | 'accepted' | 'read' | 'written' | 'taken', Span>> {
  readonly asker: Asker;
}

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
      handshake: NONE,
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

  /** A connection that is opened for this request, and accepted late; both ends' exchanges of it and of one more request. */
  async function playOpened(request: string): Promise<Opened> {
    for (let attempt = 1; ; attempt += 1) {
      const played = await tryOpened(request);
      const [first] = await played.asker.ended();
      if (first?.phases?.connectNs !== 0n) return played;
      assert.ok(attempt < ATTEMPTS, `the connection was opened for nobody, ${ATTEMPTS} times over`);
    }
  }

  /** It is opened for nobody when the machine stood still before the first write. */
  async function tryOpened(request: string): Promise<Opened> {
    const asker = await Asker.make(stage);
    const asked = await asker.openFor(request);
    await sleep(SLEEPS.beforeAccept);
    const accepted = await timed('accept', asker.server, stage.listener);
    await sleep(SLEEPS.beforeRead);
    const read = await timed('read', asker.server, request.length);
    await sleep(SLEEPS.beforeAnswer);
    const written = await timed('write', asker.server, hex(answerOf()));
    const taken = await timed('read', asker.client, answerOf().length);
    await asker.turn([requestOf(newContext())], [answerOf()]);
    await asker.close();
    return { asker, asked, accepted, read, written, taken };
  }

  test('the first exchange of a connection: the handshake that was made for it, and its accept queue', async () => {
    const { asker, asked, accepted, read, written, taken } = await playOpened(requestOf(newContext()));
    const [clients, servers] = [await asker.ended(), await asker.ended('server')];
    const [client, server] = [dividedOf(clients.slice(0, 1)), dividedOf(servers.slice(0, 1))];
    assertDivides(server, {
      accept_queue: between(asked, accepted),
      receive_queue: between(accepted, read),
      application: between(read, written),
      unknown: NONE,
    });
    const { connectNs, establishedNs } = client.told.phases;
    assert.ok(connectNs >= asked[0] && establishedNs <= asked[1]);
    assertDivides(client, {
      handshake: [establishedNs - connectNs, establishedNs - connectNs],
      peer: between(asked, written),
      receive_queue: between(written, taken),
      unknown: NONE,
    });
    for (const next of [dividedOf(clients), dividedOf(servers)])
      assertDivides(next, { handshake: NONE, accept_queue: NONE, unknown: NONE });
  });

  test('a handshake whose SYN is lost is as long as that took', async () => {
    const isFirstSyn = 'tcp flags & (syn | ack) == syn numgen inc mod 100 < 1';
    stage.room.filter(`tcp dport ${stage.port} ${isFirstSyn} drop`);
    try {
      const { asker, asked } = await playOpened(requestOf(newContext()));
      const client = dividedOf((await asker.ended()).slice(0, 1));
      // RFC 6298: 1 s before the first SYN is sent again.
      assertDivides(client, { handshake: [1000n * MS, asked[1] - asked[0]], unknown: NONE });
    } finally {
      stage.room.filter();
    }
  });

  test('1,000 mixed requests on several servers: every millisecond with its own request, and none with another', async () => {
    const lanes = [stage, ...(await Promise.all([1, 2, 3].map(() => openLane(cleanup, stage))))];
    const played = await Promise.all(lanes.map((lane, number) => playMixed(lane, 1 + 2 * number)));
    const turns = played.flat().flatMap((each) => each.turns);
    assert.equal(turns.length, 1_000);
    for (const each of played.flat()) await checkMixed(each);
  });

  test('where the kernel has no memory for it there are no phases, which is counted, and the exchange is told', async (t) => {
    if (!hasOwnBound(stage)) {
      t.skip('needs a bound of the namespace’s own on what is kept of a socket: Linux 6.8');
      return;
    }
    const toldWith = async (bytes: number): Promise<boolean | undefined> => {
      boundKept(stage, bytes);
      const asker = await Asker.open(stage);
      await asker.turn([requestOf(newContext())], [answerOf()]);
      await asker.close();
      const [told] = await asker.ended();
      return told && told.phases !== undefined;
    };
    // Below the first step that is too little for it there is still room for what is kept before it.
    let bytes = OPTMEM;
    while ((await toldWith(bytes)) === true) bytes -= OPTMEM_STEP;
    assert.ok(bytes < OPTMEM);
    const before = stage.watcher.count('PROBE_EXCHANGE', 'LOST_STORAGE');
    for (let turn = 1; turn <= 5; turn += 1) {
      assert.equal(await toldWith(bytes), false);
      assert.equal(stage.watcher.count('PROBE_EXCHANGE', 'LOST_STORAGE') - before, turn);
    }
    assert.equal(await toldWith(OPTMEM), true);
  });
});
