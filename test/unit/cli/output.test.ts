import assert from 'node:assert/strict';
import { describe, it, mock } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Output, type Dropped } from '../../../receiver/cli/output.ts';
import type { Sink } from '../../../receiver/cli/sink.ts';

/** A stream that takes as many bytes as the test allows, and then fails as the test says. */
class FakeStream implements Sink {
  readonly holdsThread = false;
  room = Infinity;
  failure = 'EAGAIN';
  text = '';

  write(bytes: Uint8Array, taken: (error: NodeJS.ErrnoException | undefined, count: number) => void): void {
    const count = Math.min(this.room, bytes.length);
    if (count === 0) {
      taken(Object.assign(new Error(this.failure), { code: this.failure }), 0);
      return;
    }
    this.room -= count;
    this.text += Buffer.from(bytes.subarray(0, count)).toString();
    taken(undefined, count);
  }
}

function make(maxWaitingBytes = 20): { stream: FakeStream; output: Output; flows: Dropped[] } {
  const stream = new FakeStream();
  const output = new Output(stream, { maxWaitingBytes });
  const flows: Dropped[] = [];
  output.onFlow = (dropped) => flows.push(dropped);
  return { stream, output, flows };
}

describe('Output', () => {
  it('holds what nobody reads up to its bound, drops whole lines past it, and counts them', async () => {
    mock.timers.enable({ apis: ['setTimeout'] });
    const { stream, output, flows } = make();
    stream.room = 3;
    const taken = ['12345\n', 'abcdefg\n', 'ABCDEFG\n', 'lost\n', '1\n'].map((line) => output.write(line));
    assert.deepEqual(taken, [true, true, true, false, false]);
    assert.deepEqual([output.isBusy, output.dropped, stream.text], [true, 2, '123']);
    stream.room = Infinity;
    mock.timers.tick(1000);
    mock.timers.reset();
    await nextTurn();
    assert.equal(stream.text, '12345\nabcdefg\nABCDEFG\n');
    assert.deepEqual([output.isBusy, flows], [false, [{ writes: 2, cause: 'EAGAIN' }]]);
  });

  it('takes one write that is longer than its bound when nothing waits', () => {
    const { stream, output } = make();
    assert.equal(output.write('x'.repeat(1000)), true);
    assert.equal(stream.text.length, 1000);
  });

  it('survives a full disk: drops, ends the torn line, says how much is missing', async () => {
    const { stream, output, flows } = make();
    stream.failure = 'ENOSPC';
    stream.room = 5;
    output.write('first line\n');
    output.write('second\n');
    assert.deepEqual([output.isBusy, output.dropped, output.failure], [false, 2, 'ENOSPC']);
    await nextTurn();
    assert.deepEqual(flows, []);
    stream.room = Infinity;
    output.write('third\n');
    output.write('fourth\n');
    await nextTurn();
    assert.equal(stream.text, 'first\nthird\nfourth\n');
    assert.deepEqual([output.failure, flows], [undefined, [{ writes: 2, cause: 'ENOSPC' }]]);
  });

  for (const cause of ['EPIPE', 'EIO', 'ECONNRESET']) {
    it(`${cause}: tells that nobody is there, and goes on dropping`, () => {
      const { stream, output } = make();
      stream.failure = cause;
      stream.room = 0;
      const causes: string[] = [];
      output.onGone((why) => causes.push(why));
      for (let line = 0; line < 1009; line++) output.write('line\n');
      assert.deepEqual([output.dropped, output.isBusy, causes[0]], [1009, false, cause]);
    });
  }

  it('waits at the end for a reader, until a deadline', async () => {
    const { stream, output } = make();
    assert.equal(await output.drain(), true);
    stream.room = 0;
    output.write('last\n');
    assert.equal(await output.drain(30), false);
    const drained = output.drain();
    stream.room = Infinity;
    assert.equal(await drained, true);
    assert.equal(stream.text, 'last\n');
  });
});
