/** The plots of `wirespan ui` in headless Chromium, of a running agent and of a recording: what is drawn is what the workload did. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Browser } from 'playwright-core';
import { startAgent } from '../support/agent.ts';
import { Cleanup } from '../support/cleanup.ts';
import { startView } from '../support/view.ts';
import { waitFor } from '../support/wait.ts';
import { ShownPage, startBrowser, type Cell } from './report-page.ts';
import { COMMAND, UiRig, type Connection } from './ui-rig.ts';

const [SENT, ANSWERED, LOSSY] = [30_011, 5_003, 7_001];
const BURSTS = 3;
/** So many packets with data are lost, then one passes. */
const LOST = 2;
const MOVED = { sent: BURSTS * SENT + LOSSY, received: BURSTS * ANSWERED };
/** Where a figure stands in the table. */
const COLUMN = { seconds: 1, sent: 2, received: 3, resent: 4, rtt: 5, open: 7 } as const;
/** A plot is 150 high, and a coordinate has two digits after the point. */
const ROUNDED = 1 / 150 / 100;

/** What a plot shows, read from where its bars end and from the marks beside them: figures by the left edge of their bars. */
const DRAWN = `(id) => {
  const figure = document.querySelector('#' + id + '-plot');
  if (figure === null) return [];
  const marks = [...figure.querySelectorAll('text[text-anchor=end]')].filter(({ textContent }) => /^[0-9.]+$/.test(textContent)).map((mark) => [Number(mark.textContent), mark.y.baseVal[0].value - 4]);
  const [[least, bottom], [most, top]] = [marks[0], marks.at(-1)];
  return [...figure.querySelectorAll('.bar[x][fill]')].filter((bar) => bar.closest('.legend') === null).map((bar) =>
    [bar.getAttribute('fill'), (most - least) * bar.height.baseVal.value / (bottom - top), most]);
}`;

type Bar = readonly [fill: string, value: number, most: number];

describe('plots of wirespan ui', () => {
  const cleanup = new Cleanup();
  const rig = new UiRig(cleanup);
  const { room, client, server } = rig;
  const socket = join(cleanup.makeFolder('wirespan-ui-time-'), 'views.sock');
  const recording = join(cleanup.makeFolder('wirespan-ui-time-'), 'case.wirespan');
  let browser: Browser;
  let page: ShownPage;
  let url: string;
  let lossy: Connection;
  let resent: number;
  let rttUs: number;

  const sum = (rows: readonly (readonly Cell[])[], column: number): number =>
    Math.round(
      rows.reduce((all, row) => all + (row[column]?.value ?? 0) * (row[COLUMN.seconds]?.value ?? 0), 0),
    );
  const sums = (rows: readonly (readonly Cell[])[]) => ({
    sent: sum(rows, COLUMN.sent),
    received: sum(rows, COLUMN.received),
    resent: sum(rows, COLUMN.resent),
  });
  const plotted = (sent: number): Promise<void> =>
    waitFor(`${sent} bytes to be plotted`, async () => sums(await page.rows('slices')).sent === sent);
  const drawn = (id: string): Promise<readonly Bar[]> => page.run(`(${DRAWN})(${JSON.stringify(id)})`);

  /** The bars of this fill are the figures of the table, those of nothing left out. */
  const assertDrawn = async (id: string, fill: number, column: number): Promise<void> => {
    await page.page.locator('#pause').click();
    const rows = await page.rows('slices');
    const bars = (await drawn(id)).filter(([name]) => name === `url(#fill-${fill})`);
    await page.page.locator('#pause').click();
    const figures = rows.map((row) => row[column]?.value ?? 0).filter((value) => value > 0);
    assert.equal(bars.length, figures.length, `${id}: ${bars.join(' ')} ${figures.join(' ')}`);
    for (const [at, value] of figures.toReversed().entries()) {
      const [, shown = 0, most = 0] = bars[at] ?? [];
      assert.ok(Math.abs(shown - value) <= 2 * ROUNDED * most, `${id}: ${shown} ${value}`);
    }
  };

  before(async () => {
    const agent = await startAgent({
      ...{ WIRESPAN_VIEWS_SOCKET: socket, WIRESPAN_OTLP_ENDPOINT: 'http://127.0.0.1:9' },
    });
    cleanup.add(() => agent.kill());
    const view = await startView(cleanup, 'ui', '--agent', socket, '-p', String(client.pid));
    const recorder = await startView(cleanup, 'record', recording);
    url = view.stdout().trim();
    browser = await startBrowser(cleanup);
    page = await ShownPage.at(browser, `${url}time`);
    const to = await server.listen();
    const other = await rig.connect(to);
    lossy = await rig.connect(to);
    for (let burst = 0; burst < BURSTS; burst += 1) {
      await rig.move('client', other, SENT);
      await rig.move('server', other, ANSWERED);
      // Each is in another slice.
      await plotted((burst + 1) * SENT);
    }
    const before = room.counter('TcpRetransSegs');
    room.filter(`tcp dport ${to.port} meta length > 100 numgen inc mod ${LOST + 1} != ${LOST} counter drop`);
    await rig.move('client', lossy, LOSSY);
    room.filter();
    await waitFor('all to be acknowledged', () => !/unacked:/.test(room.exec('ss', '-tinHO')));
    resent = room.counter('TcpRetransSegs') - before;
    rttUs = rig.sockets().get(`127.0.0.1:${lossy.local} 127.0.0.1:${lossy.port}`)?.rttUs ?? 0;
    await plotted(MOVED.sent);
    assert.equal(await recorder.stop(), 0, recorder.stderr());
  });
  after(() => cleanup.run());

  it('have all that was moved and sent again, and what is open', async () => {
    const rows = await page.rows('slices');
    assert.ok(resent >= LOST);
    assert.deepEqual(sums(rows), { ...MOVED, resent });
    assert.equal(rows[0]?.[COLUMN.open]?.value, 2);
    await assertDrawn('payload', 0, COLUMN.sent);
    await assertDrawn('payload', 1, COLUMN.received);
    await assertDrawn('resent', 0, COLUMN.resent);
    await assertDrawn('open', 0, COLUMN.open);
  });

  it('are those of one process or connection, by the keyboard from its row', async () => {
    const follow = async (link: string): Promise<void> => {
      await page.page.goto(url);
      await page.page.locator('#connections').getByRole('link', { name: link }).first().focus();
      await page.page.keyboard.press('Enter');
      await page.page.waitForURL(/time\?/);
    };
    await follow(`${COMMAND} ${client.pid}`);
    assert.match((await page.page.locator('#of').textContent()) ?? '', new RegExp(` ${client.pid}\\. `));
    assert.deepEqual(sums(await page.rows('slices')), { ...MOVED, resent });
    await follow(`127.0.0.1:${lossy.local}`);
    const rows = await page.rows('slices');
    assert.deepEqual(sums(rows), { sent: LOSSY, received: 0, resent });
    // Both are smoothed by the kernel.
    const [shown = 0] = rows.map((row) => row[COLUMN.rtt]?.value ?? 0).filter((value) => value > 0);
    assert.ok(Math.abs(shown - rttUs) <= rttUs, `${shown} ${rttUs}`);
    assert.equal(await page.page.locator('#open-plot').count(), 0);
    await page.page.getByRole('link', { name: 'Of all connections' }).click();
    await page.page.waitForURL(/time$/);
  });

  it('can be read by everybody: described, without colour, and as figures', async () => {
    assert.deepEqual(await page.barriers(), []);
    for (const id of ['payload', 'rtt', 'resent', 'open'])
      assert.match(
        (await page.page.locator(`#${id}-plot svg[role=img]`).getAttribute('aria-label')) ?? '',
        /: at most .+, at \d\d:\d\d:\d\d, and .+ at last\. The table below has the figures\.$/,
      );
    // What stands on something else has marks, and the legend the same ones.
    const marks =
      '[...document.querySelectorAll("#fill-0 .marks, #fill-1 .marks")].map((each) => each.parentNode.id)';
    assert.deepEqual(await page.run(marks), ['fill-1']);
    const legend =
      '[...document.querySelectorAll("#payload-plot .legend .bar")].map((bar) => bar.getAttribute("fill"))';
    assert.deepEqual(await page.run(legend), ['url(#fill-0)', 'url(#fill-1)']);
    assert.deepEqual(page.complaints, []);
  });

  it('are the same of a recording', async () => {
    const view = await startView(cleanup, 'ui', recording, '-p', String(client.pid));
    page = await ShownPage.at(browser, `${view.stdout().trim()}time`);
    await plotted(MOVED.sent);
    const rows = await page.rows('slices');
    assert.deepEqual(sums(rows), { ...MOVED, resent });
    assert.equal(rows[0]?.[COLUMN.open]?.value, 2);
    await assertDrawn('payload', 0, COLUMN.sent);
    await assertDrawn('resent', 0, COLUMN.resent);
    assert.deepEqual(page.complaints, []);
  });
});
