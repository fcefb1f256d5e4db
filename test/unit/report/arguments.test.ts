/** What the command line of `wirespan report` refuses, each in one sentence and before anything is written. */
import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { missingModuleSentence } from '../../../receiver/agent/missing-module.ts';
import { runReport } from '../../../receiver/agent/report-run.ts';
import { StopSignals } from '../../../receiver/agent/stop-signals.ts';
import { createOutputs } from '../../../receiver/cli/outputs.ts';
import type { Report } from '../../../receiver/report/report.ts';
import { META, tempFolder, writeRecording } from '../recording/written.ts';

describe('the command line of a report', () => {
  const folder = tempFolder();
  after(() => folder.remove());
  const signals = new StopSignals({ process: new EventEmitter() });
  const outputs = createOutputs(false);
  const [recording, file] = [join(folder.path, 'recording'), join(folder.path, 'page.html')];
  writeRecording(recording, (recorder) => recorder.step('start'));

  it('refuses what cannot be made', async () => {
    const cases: [string[], RegExp][] = [
      [[], /^wirespan report: needs a file: wirespan report case\.html --from case\.wirespan$/],
      [
        [file, '--from', recording, '--for', '9s'],
        /^wirespan report: --for: is for a report of what happens now/,
      ],
      [
        [file, '--from', recording, '-m'],
        /^wirespan report: --mask-addresses: is for a report of what happens now/,
      ],
      [[file, '--for', 'ever'], /--for ever: is no time: give 1s to 24h/],
      [[file, '--form', recording], /--form: is no option of it: .*; the nearest is --f/],
      [[file, '--from', join(folder.path, 'none')], /none cannot be read: ENOENT$/],
      [[join(folder.path, 'no', 'page.html'), '--from', recording], /page\.html cannot be made: ENOENT$/],
      [[recording, '--from', recording], /recording is there already: --force replaces it$/],
    ];
    for (const [argv, pattern] of cases)
      await assert.rejects(runReport(argv, signals, outputs), { message: pattern, exitCode: 2 });
    assert.equal(existsSync(file), false);
  });

  it('refuses a recording of another layout', async () => {
    const layouts = { ...META.layouts, ENDPOINTS: { ...META.layouts['ENDPOINTS'], peer: 99 } };
    const other = join(folder.path, 'other');
    writeRecording(other, (recorder) => recorder.step('start'), { meta: { ...META, layouts } });
    await assert.rejects(runReport([file, '--from', other], signals, outputs), {
      message: /another endpoints/,
    });
    assert.equal(existsSync(file), false);
  });

  it('makes a page of a recording in which nothing happened', async () => {
    assert.equal(await runReport([file, '--from', recording], signals, outputs), 0);
    assert.match(readFileSync(file, 'utf8'), /^<!DOCTYPE html>\n<html lang="en">/);
  });

  it('has of a recording of another machine what happened there', async () => {
    const kept = join(import.meta.dirname, '..', '..', 'fixtures', 'recordings', 'version-1.wirespan');
    const page = join(folder.path, 'kept.html');
    assert.equal(await runReport([page, '--from', kept], signals, outputs), 0);
    const [, json = ''] = /id="wirespan-report">([^]*?)<\/script>/.exec(readFileSync(page, 'utf8')) ?? [];
    const { totals, facts } = JSON.parse(json) as Report;
    // Three clients that each sent 27 bytes and were sent 2,000, in one process.
    assert.deepEqual(
      [totals.opened, totals.closed, totals.bytesSent, totals.bytesReceived],
      [6, 6, 6_081, 6_081],
    );
    assert.deepEqual([facts.host, facts.kernel, facts.areAddressesMasked], ['host', '6.18.0', true]);
  });

  it('leaves no half of a page when a signal comes', async () => {
    const stopped = new EventEmitter();
    const interrupted = new StopSignals({ process: stopped });
    stopped.emit('SIGTERM', 'SIGTERM');
    const half = join(folder.path, 'half.html');
    await assert.rejects(runReport([half, '--from', recording], interrupted, outputs), {
      message: /^a signal came: \S+half\.html is not written$/,
      exitCode: 1,
    });
    assert.equal(existsSync(half), false);
  });
});

describe('a module that is not installed', () => {
  it('is named, whether it was imported or required', () => {
    const sentences = [
      { code: 'ERR_MODULE_NOT_FOUND', message: "Cannot find package 'preact' imported from /x.ts" },
      { code: 'MODULE_NOT_FOUND', message: "Cannot find module 'preact'\nRequire stack:\n- /x.ts" },
    ].map((error) => missingModuleSentence(Object.assign(new Error(error.message), error)));
    for (const sentence of sentences)
      assert.match(sentence ?? '', /^the npm module preact is not installed: /);
    const own = { code: 'MODULE_NOT_FOUND', message: "Cannot find module './own.ts'" };
    assert.equal(missingModuleSentence(Object.assign(new Error(own.message), own)), undefined);
  });
});
