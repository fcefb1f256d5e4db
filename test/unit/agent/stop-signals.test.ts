import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { describe, it } from 'node:test';
import { StopSignals } from '../../../receiver/agent/stop-signals.ts';

/** Signals that the test sends, on a terminal or not, at times that it sets. */
class Stage {
  readonly process = new EventEmitter();
  nowMs = 0;
  hasTerminal = false;
  isForeground = false;
  stoppedBy: string | undefined;
  isCut = false;

  start(): StopSignals {
    const signals = new StopSignals({
      process: this.process,
      hasTerminal: () => this.hasTerminal,
      isForeground: () => this.isForeground,
      now: () => this.nowMs,
    });
    void signals.stopped.then((signal) => (this.stoppedBy = signal));
    void signals.cutShort.then(() => (this.isCut = true));
    return signals;
  }

  async send(signal: string, atMs = this.nowMs): Promise<void> {
    this.nowMs = atMs;
    this.process.emit(signal, signal);
    await Promise.resolve();
  }
}

describe('signals', () => {
  it('the first one stops; repeats of any of them change nothing without a person', async () => {
    const stage = new Stage();
    let reloads = 0;
    const signals = stage.start();
    signals.onReload(() => reloads++);
    for (const [at, signal] of ['SIGINT', 'SIGTERM', 'SIGINT', 'SIGHUP', 'SIGINT'].entries())
      await stage.send(signal, at * 60_000);
    assert.deepEqual([stage.stoppedBy, stage.isCut, reloads], ['SIGINT', false, 0]);
    assert.equal(signals.isStopping, true);
  });

  it('a person cuts the drain short by a press of its own, not by one that npm passes on', async () => {
    const stage = new Stage();
    stage.isForeground = true;
    stage.start();
    await stage.send('SIGINT', 0);
    await stage.send('SIGINT', 3);
    await stage.send('SIGTERM', 5000);
    assert.equal(stage.isCut, false);
    await stage.send('SIGINT', 5001);
    assert.equal(stage.isCut, true);
  });

  it('one press after a SIGTERM is the first press', async () => {
    const stage = new Stage();
    stage.isForeground = true;
    stage.start();
    await stage.send('SIGTERM', 0);
    await stage.send('SIGINT', 60_000);
    assert.equal(stage.isCut, false);
  });

  it('SIGHUP before there is something to reload is kept, and comes once', async () => {
    const stage = new Stage();
    const signals = stage.start();
    let reloads = 0;
    await stage.send('SIGHUP');
    await stage.send('SIGHUP');
    signals.onReload(() => reloads++);
    assert.equal(reloads, 1);
    await stage.send('SIGHUP');
    assert.deepEqual([reloads, stage.stoppedBy], [2, undefined]);
  });

  it('SIGHUP when the terminal is gone is the end of the session', async () => {
    const stage = new Stage();
    stage.hasTerminal = true;
    stage.start();
    stage.hasTerminal = false;
    await stage.send('SIGHUP');
    assert.equal(stage.stoppedBy, 'SIGHUP');
  });

  it('gives all signals back', () => {
    const stage = new Stage();
    stage.start().release();
    assert.deepEqual(stage.process.eventNames(), []);
  });
});
