/** `wirespan report` of what happens now: the figures of a load between its beginning and Ctrl-C, and no recording that stays. */
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Report } from '../../receiver/report/report.ts';
import { agentArgs, runToEnd } from '../support/agent.ts';
import { Cleanup } from '../support/cleanup.ts';
import { ShownPage } from './report-page.ts';
import { LOAD, ReportRig, type Truth } from './report-rig.ts';

/** Each connection has two ends here. */
const ENDS = 2;

describe('the page of what happens now', () => {
  const cleanup = new Cleanup();
  const rig = new ReportRig(cleanup);
  const [file, temporary] = [join(rig.folder, 'live.html'), join(rig.folder, 'tmp')];
  let truth: Truth;
  let status: number | null;
  let page: ShownPage;
  let report: Report;
  let meanwhile: readonly string[];

  before(async () => {
    mkdirSync(temporary);
    const watching = await rig.watch({ TMPDIR: temporary }, 'watches for', 'report', file, '--for', '1h');
    truth = rig.truth(await rig.load());
    meanwhile = readdirSync(temporary);
    status = await watching.stop();
    assert.match(watching.stderr(), /^wirespan report: \S+live\.html shows [\d.]+ s with \d+ records$/m);
    page = await ShownPage.open(await rig.browser(), file);
    report = (await page.figures()) as Report;
  });
  after(() => cleanup.run());

  it('has what the load knows', async () => {
    assert.equal(status, 0);
    const { connections, totals, facts } = report;
    assert.deepEqual(
      {
        retransmits: await page.total('retransmits'),
        failed: await page.total('failed'),
        dropped: (await page.sums('drops-by-reason'))['netfilter_drop'],
        closed: totals.closed,
        ranked: connections.byLifetime.rows.length + connections.byLifetime.more,
      },
      {
        retransmits: truth.retransmitted,
        failed: LOAD.refused,
        dropped: truth.dropped,
        closed: ENDS * (LOAD.closed + LOAD.reset),
        ranked: ENDS * (LOAD.closed + LOAD.reset),
      },
    );
    assert.deepEqual([facts.ended, facts.leftOut], ['asked', []]);
    assert.deepEqual(page.complaints, []);
  });

  it('leaves no recording behind, and is its owner’s alone', () => {
    assert.deepEqual([meanwhile.length, readdirSync(temporary)], [1, []]);
    assert.equal(statSync(file).mode & 0o777, 0o600);
  });

  it('ends by itself when its time is over', async () => {
    const short = join(rig.folder, 'short.html');
    const ended = await runToEnd(process.execPath, agentArgs('report', short, '--for', '1s'));
    assert.equal(ended.code, 0, ended.stderr);
    const shown = await ShownPage.open(await rig.browser(), short);
    assert.equal(((await shown.figures()) as Report).facts.ended, 'time');
  });
});
