/** What the command lines of recordings refuse, each in one sentence. */
import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { loadConfig } from '../../../config/index.ts';
import { replayedSettings } from '../../../receiver/agent/recorded-settings.ts';
import { runRecord } from '../../../receiver/agent/record-run.ts';
import { runReplay } from '../../../receiver/agent/replay-run.ts';
import { StopSignals } from '../../../receiver/agent/stop-signals.ts';
import { createOutputs } from '../../../receiver/cli/outputs.ts';
import { RecordingError } from '../../../receiver/recording/error.ts';
import { META, tempFolder, writeRecording } from './written.ts';

describe('the command lines of recordings', () => {
  const folder = tempFolder();
  after(() => folder.remove());
  const signals = new StopSignals({ process: new EventEmitter() });
  const outputs = createOutputs(false);
  const file = join(folder.path, 'file');
  writeRecording(file, (recorder) => recorder.step('start'));

  it('refuse what cannot be recorded', async () => {
    const cases: [string[], RegExp][] = [
      [[], /^wirespan record: needs a file: wirespan record case\.wirespan$/],
      [['x', '--for', 'ever'], /--for ever: is no time: give 1s to 24h, such as 90s or 5m$/],
      [['x', '--for', '25h'], /--for 25h: is no time/],
      [['x', '--max-size', '3'], /--max-size 3: is no size: give 100KB to 1000GB, such as 500MB$/],
      [['x', '--interval', '2h'], /--interval 2h: is no time: give 1s to 1h$/],
      [['x', '--mask'], /--mask: is no option of it: see wirespan record --help$/],
    ];
    for (const [argv, pattern] of cases)
      await assert.rejects(runRecord(argv, signals, outputs), { message: pattern, exitCode: 2 });
  });

  it('refuse what cannot be replayed', async () => {
    const cases: [string[], RegExp][] = [
      [['--speed', 'full'], /^wirespan replay: needs the file first: /],
      [[file, 'tcplive'], /tcplive: is no view; views are netpod, softirqs, .*; the nearest is tcplife$/],
      [[file, 'tcplife', '--cgroup', '/x'], /--cgroup: is for live views: a recording has no cgroups$/],
      [[file, 'tcplife', '--container', 'abcd'], /--container: is for live views/],
      [[file, 'tcpconnect', '-d'], /--dns: is for live views: a recording has no answers of name servers$/],
      [
        [file, 'tcptop'],
        /wirespan replay: tcptop: cannot be shown: this recording has no samples, or no figures of/,
      ],
      [[file, 'tcptrace'], /wirespan replay: tcptrace: cannot be shown: recordings have no packets$/],
      [[file, 'softirqs', '-d'], /wirespan replay: softirqs --dist: cannot be shown: /],
      [[file, 'tcplife', '--speed=slow'], /^wirespan replay: --speed is one of full and recorded$/],
      [[file, '--otlp.endpont', 'x'], /^flag --otlp\.endpont: is no flag; the nearest is --otlp\.endpoint$/],
    ];
    for (const [argv, pattern] of cases)
      await assert.rejects(runReplay(argv, signals, outputs), { message: pattern, exitCode: 2 });
  });

  it('name the layout that a recording has otherwise', async () => {
    const layouts = { ...META.layouts, ENDPOINTS: { ...META.layouts['ENDPOINTS'], peer: 99 } };
    writeRecording(file, (recorder) => recorder.step('start'), { meta: { ...META, layouts } });
    await assert.rejects(runReplay([file, 'tcplife'], signals, outputs), (error: unknown) => {
      assert.ok(error instanceof RecordingError);
      assert.match(
        error.message,
        /file was recorded by wirespan 0\.0\.0, which had another endpoints than this one: replay it with that version$/,
      );
      return true;
    });
  });
});

describe('settings of a replay', () => {
  it('let nobody read the memory of processes that are another machine’s', () => {
    const argv = ['--correlation.thread_context=on', '--resource.process_context=on'];
    const config = loadConfig({ argv, env: {}, readFile: () => '' });
    assert.deepEqual([config.correlation.threadContext, config.readsContexts], [true, true]);
    const { correlation, readsContexts } = replayedSettings(config, []);
    assert.deepEqual([correlation.threadContext, readsContexts], [false, false]);
  });
});
