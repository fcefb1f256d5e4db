/** What is no announcement is as though nobody listened, and nobody else's setsockopt() is touched. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Cleanup } from '../support/cleanup.ts';
import { hex, type TcpScript, TcpScript as Script } from '../support/script.ts';
import { Watcher } from '../support/watcher.ts';
import { announce, announcementOf, isUnheard, NONE } from '../support/announcement.ts';
import { newContext } from '../support/traceparent.ts';

const [SOL_SOCKET, SO_BINDTODEVICE] = [1, 25];
/** More than a page of any machine. */
const LONG = 70_000;

describe('values of announcements', () => {
  const cleanup = new Cleanup();
  let script: TcpScript;
  let watcher: Watcher | undefined;
  let socket = 0;
  let listener = 0;

  before(async () => {
    ({ script } = Script.open(cleanup));
    const listening = await script.listen();
    listener = listening.listener;
    socket = script.next();
    await script.run('socket', socket, 0);
    await script.run('connect', socket, listening.port);
  });
  after(() => cleanup.run());

  const counts = (): [taken: number, invalid: number] => [
    watcher?.count('PROBE_ANNOUNCE', 'TAKEN') ?? 0,
    watcher?.count('PROBE_ANNOUNCE', 'MISS_INVALID') ?? 0,
  ];

  test('nobody listens: the call fails and does no harm', async () => {
    await assert.rejects(announce(script, socket, newContext()), isUnheard);
  });

  test('an announcement is taken, and so is its end', async () => {
    watcher = new Watcher();
    cleanup.add(() => watcher?.close());
    const [taken] = counts();
    assert.equal(await announce(script, socket, newContext()), 0);
    assert.equal(await announce(script, socket, NONE), 0);
    assert.equal(counts()[0] - taken, 2);
  });

  test('what is no announcement is refused, and counted', async () => {
    const valid = announcementOf(newContext());
    const wrong: readonly (readonly [value: string, socket?: number, name?: number])[] = [
      [valid.slice(2)],
      [`${valid}00`],
      ['01'],
      [announcementOf(newContext(), 0)],
      [announcementOf(newContext(), 2)],
      [announcementOf({ ...newContext(), traceId: NONE.traceId })],
      [announcementOf({ ...newContext(), spanId: NONE.spanId })],
      [valid, listener],
      [valid, socket, 0],
      [valid.slice(2), socket, 2],
      [announcementOf(newContext(), 2), socket, 2],
      [announcementOf({ ...newContext(), spanId: NONE.spanId }), socket, 2],
      [valid, socket, 3],
      ['00'.repeat(LONG)],
    ];
    const [taken, invalid] = counts();
    for (const [value, to = socket, name] of wrong)
      await assert.rejects(announce(script, to, value, name), isUnheard, value.slice(0, 60));
    assert.deepEqual(counts(), [taken, invalid + wrong.length]);
  });

  test('a long value of another option goes its way', async () => {
    const device = hex('lo').padEnd(2 * LONG, '00');
    assert.equal(await script.run('announce', socket, SOL_SOCKET, SO_BINDTODEVICE, device), 0);
  });

  test('when the programs are gone, so are the answers', async () => {
    watcher?.close();
    await assert.rejects(announce(script, socket, newContext()), isUnheard);
  });
});
