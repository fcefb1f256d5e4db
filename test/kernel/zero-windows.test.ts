/** Peers that close their receive window: how long, how often they say so, what waited, and whose it was. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { ZeroWindowRecord } from '../../receiver/model/record.ts';
import type { KernelOptions } from '../../receiver/source/kernel-options.ts';
import { Cleanup } from '../support/cleanup.ts';
import { DropStage, type Pair } from '../support/drop-stage.ts';
import { hex } from '../support/script.ts';
import { newContext, requestOf, type Context } from '../support/traceparent.ts';
import { ALL_SIGNALS, Watcher } from '../support/watcher.ts';
import { waitFor } from '../support/wait.ts';
import { assertWithin, type Span } from './rig/asker.ts';
import { plain } from './rig/conversation.ts';

const [RST, ACK] = [4, 16];
const HEAD = 'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n';
const BODY = 'b'.repeat(1_000);
const HOUR_US = 3_600_000_000;

const wanted = (mode: 'on' | 'correlated', slowZeroWindowUs = 1): Partial<KernelOptions> => ({
  emit: { ...ALL_SIGNALS.emit, zeroWindow: mode },
  slowZeroWindowUs,
});

describe('windows that are closed', () => {
  const cleanup = new Cleanup();
  let stage: DropStage;
  let tracedOnly: Watcher;
  let longOnly: Watcher;

  before(async () => {
    stage = await DropStage.open(cleanup, wanted('on'));
    tracedOnly = new Watcher(wanted('correlated'));
    cleanup.add(() => tracedOnly.close());
    longOnly = new Watcher(wanted('on', HOUR_US));
    cleanup.add(() => longOnly.close());
  });
  after(() => cleanup.run());

  function told(peerPort: number, watcher = stage.watcher): ZeroWindowRecord[] {
    return watcher
      .records()
      .filter((record): record is ZeroWindowRecord => record.kind === 'zero_window')
      .filter(({ netns, endpoints }) => netns === stage.room.inode && endpoints.peerPort === peerPort);
  }

  /** A segment of the client, which is deaf and says nothing itself; when it was sent. */
  function say(pair: Pair, fields: Readonly<Record<string, number>>): Span {
    const from = process.hrtime.bigint();
    stage.send({ sport: pair.clientPort, dport: stage.port, flags: ACK, seq: pair.seq, ...fields });
    return [from, process.hrtime.bigint()];
  }

  /** A connection whose client has asked, and has the head of the answer; what it says from then on is forged. */
  async function ask(request: string): Promise<Pair & { readonly taken: number }> {
    const { script } = stage;
    const pair = await stage.connect();
    await script.run('write', pair.client, hex(request));
    await script.run('read', pair.server, request.length);
    await script.run('deaf', pair.client);
    await script.run('write', pair.server, hex(HEAD));
    return { ...pair, seq: pair.seq + request.length, taken: pair.ack + HEAD.length };
  }

  /** Sent in the room so far, to peers that say 0: the kernel's own count. */
  function windowProbes(): number {
    const [names = [], values = []] = stage.room
      .exec('cat', '/proc/net/netstat')
      .split('\n')
      .filter((line) => line.startsWith('TcpExt:'))
      .map((line) => line.split(' '));
    return Number(values[names.indexOf('TCPWinProbe')]);
  }

  test('have each announcement counted, and what waited, on the request whose answer that is', async () => {
    const context: Context = newContext();
    const pair = await ask(requestOf(context));
    const { taken } = pair;
    const closed = say(pair, { ack: taken, window: 0 });
    await stage.script.run('write', pair.server, hex(BODY));
    say(pair, { ack: taken, window: 0, count: 2 });
    // One that was overtaken, and one that takes nothing back: TCP has a window of neither.
    say(pair, { ack: taken, window: 500, seq: pair.seq - 1 });
    say(pair, { ack: taken - 1, window: 500 });
    assert.deepEqual(told(pair.clientPort), []);
    const opened = say(pair, { ack: taken, window: 60_000 });
    const [record, ...rest] = told(pair.clientPort);
    assert.ok(record !== undefined && rest.length === 0);
    assertWithin(record.startNs, closed, 'closed');
    assertWithin(record.timeNs, opened, 'opened');
    const { end, bytesWaiting, announcements, seq, role } = record;
    assert.deepEqual(
      { end, bytesWaiting, announcements, seq, role },
      { end: 'opened', bytesWaiting: BODY.length, announcements: 3, seq: taken >>> 0, role: 'server' },
    );
    assert.deepEqual(plain(record.context), context);
    assert.equal(record.context?.method, 'http1_window');
    assert.equal(told(pair.clientPort, tracedOnly).length, 1);
    assert.deepEqual(told(pair.clientPort, longOnly), [], 'shorter than the threshold');
    await stage.close(pair);
  });

  test('end with a reset, too', async () => {
    const pair = await ask('no request\n');
    say(pair, { ack: pair.taken, window: 0 });
    await stage.script.run('write', pair.server, hex(BODY));
    const reset = say(pair, { flags: RST, window: 0 });
    const [record, ...rest] = told(pair.clientPort);
    assert.ok(record !== undefined && rest.length === 0);
    assertWithin(record.timeNs, reset, 'reset');
    assert.deepEqual(
      [record.end, record.bytesWaiting, record.announcements, record.context],
      ['reset', BODY.length, 1, undefined],
    );
    assert.deepEqual(told(pair.clientPort, tracedOnly), [], 'on no trace');
    await stage.close(pair);
  });

  test('delay nobody while nothing waits', async () => {
    const pair = await ask('no request\n');
    say(pair, { ack: pair.taken, window: 0 });
    say(pair, { ack: pair.taken, window: 60_000 });
    assert.deepEqual(told(pair.clientPort), []);
    // The next time counts from its own beginning.
    await stage.script.run('write', pair.server, hex('more'));
    const closed = say(pair, { ack: pair.taken + 4, window: 0 });
    await stage.script.run('write', pair.server, hex(BODY));
    say(pair, { ack: pair.taken + 4, window: 60_000 });
    const [record, ...rest] = told(pair.clientPort);
    assert.ok(record !== undefined && rest.length === 0);
    assertWithin(record.startNs, closed, 'closed');
    assert.equal(record.announcements, 1);
    await stage.close(pair);
  });

  test('of a server that does not read: what waited is the request, until it reads', async () => {
    const { script } = stage;
    const pair = await stage.connect();
    await script.run('buffers', pair.server, 65_536, 65_536);
    await script.run('buffers', pair.client, 1_000_000, 65_536);
    const [context, probes] = [newContext(), windowProbes()];
    const request = requestOf(context, 300_000);
    await script.run('write', pair.client, hex(request));
    await waitFor('the client to probe a closed window', () => windowProbes() > probes + 1);
    const from = process.hrtime.bigint();
    await script.run('read', pair.server, request.length);
    const read: Span = [from, process.hrtime.bigint()];
    const [longest] = told(stage.port).sort((one, other) =>
      Number(other.timeNs - other.startNs - (one.timeNs - one.startNs)),
    );
    assert.ok(longest !== undefined);
    assertWithin(longest.timeNs, read, 'opened');
    assert.ok(longest.startNs < from, 'closed before it read');
    assert.ok(longest.announcements > 1, 'it answered window probes');
    assert.ok(longest.bytesWaiting > 0 && longest.bytesWaiting < request.length);
    assert.deepEqual([longest.end, longest.role], ['opened', 'client']);
    assert.deepEqual(plain(longest.context), context);
    assert.equal(longest.context?.method, 'http1_header');
    await stage.close(pair);
  });
});
