/** What the plots of `wirespan ui` hold: all that happened, once, in its time. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { processId } from '../../../receiver/model/ids.ts';
import type { UiModel } from '../../../receiver/ui/model.ts';
import { timePage } from '../../../receiver/ui/page/over-time.ts';
import { renderShell } from '../../../receiver/ui/page/shell.ts';
import { connection, owner, retransmit, second } from '../../support/correlation.ts';
import { HOSTILE, live, modelOf, rowsOf } from './made.ts';

/** docs/ui.md. */
const MAX_SLICES = 120;
const MAX_CONNECTIONS = 2_048;
const MAX_PROCESSES = 512;
/** `modelOf` ends its first interval then. */
const START_S = 101;

const page = (model: UiModel, query: Readonly<Record<string, string>> = {}): string =>
  renderShell('time', model, timePage(model, new URLSearchParams(query)));
const endAt = (model: UiModel, seconds: number): void => model.end(BigInt(START_S + seconds) * second);
/** Columns of the table of figures, the oldest row first. */
const column = (html: string, at: number): (string | undefined)[] =>
  rowsOf(html, 'slices')
    .map((row) => row[at])
    .toReversed();
const [SENT, RESENT, RTT, LONGEST, OPEN] = [2, 4, 5, 6, 7];
/** Bars of a plot, as many as are not of nothing. */
const bars = (html: string, id: string): number => {
  const [, svg = ''] = new RegExp(`<figure id="${id}-plot">([^]*?)</figure>`).exec(html) ?? [];
  return svg.match(/class="bar" x="[\d.]+" width="[\d.]+" y="[\d.]+" height="[\d.]+"/g)?.length ?? 0;
};

describe('plots of what goes on', () => {
  const app = { ...owner, pid: 7, command: 'app' };
  const model = modelOf('own', [
    live(7, 100, { owner: app, rttSmoothedUs: 2_000 }),
    live(7, 1_000, { owner: app, cookie: 8n, rttSmoothedUs: 4_000 }),
    live(9, 5, { rttSmoothedUs: 0 }),
  ]);
  model.take(live(7, 300, { owner: app, rttSmoothedUs: 2_000 }));
  model.take(retransmit({ owner: app, cookie: 8n, segments: 3 }));
  endAt(model, 2);
  endAt(model, 3);
  model.take(connection({ owner: app, cookie: 8n, bytesSent: 1_500n, segmentsRetransmitted: 3 }));
  endAt(model, 4);

  it('are of all of them, in bytes and segments a second', () => {
    const html = page(model);
    assert.deepEqual(column(html, SENT), ['1.1 KiB', '100 B', '0 B', '500 B']);
    assert.deepEqual(column(html, RESENT), ['0', '1.5', '0', '0']);
    assert.deepEqual(column(html, RTT), ['3.0 ms', '2.0 ms', '–', '1.5 ms']);
    assert.deepEqual(column(html, LONGEST), ['4.0 ms', '2.0 ms', '–', '1.5 ms']);
    assert.deepEqual(column(html, OPEN), ['3', '3', '3', '2']);
    assert.deepEqual([bars(html, 'resent'), bars(html, 'open')], [1, 4]);
    assert.match(
      html,
      /aria-label="Sent again. Segments a second: at most 1.5, at 00:01:41, and 0 at last\./,
    );
  });

  it('are of one process, or of one connection', () => {
    const own = page(model, { process: processId(app) });
    assert.match(own, /Of <bdi>app 7<\/bdi>/);
    assert.deepEqual(column(own, SENT), ['1.1 KiB', '100 B', '0 B', '500 B']);
    assert.deepEqual(column(own, OPEN), ['2', '2', '2', '1']);
    const [{ id = '' } = {}] = model.table.connections().filter(({ cookie }) => cookie === 8n);
    const one = page(model, { connection: id });
    assert.match(one, /Of <bdi>app 7, 10\.1\.2\.3:40000 → 192\.0\.2\.9:8080<\/bdi>/);
    assert.deepEqual(column(one, SENT), ['1000 B', '0 B', '500 B']);
    assert.doesNotMatch(one, /id="open-plot"/);
  });

  it('are none of what is not known, whatever the address says', () => {
    for (const query of [{ process: HOSTILE }, { connection: HOSTILE }, { connection: '' }]) {
      const html = page(model, query);
      assert.match(html, /There is nothing to plot/);
      assert.doesNotMatch(html, /<script>|<img/);
    }
  });
});

describe('the time of plots', () => {
  it('is the last two minutes of what goes on, and what is over makes room', () => {
    const model = modelOf('own', [connection({ cookie: 1n, bytesSent: 7n })]);
    for (let i = 1; i <= MAX_SLICES - 1; i += 1) endAt(model, i);
    assert.deepEqual(column(page(model), SENT), ['7 B']);
    endAt(model, MAX_SLICES);
    assert.deepEqual(column(page(model), SENT), []);
    assert.equal(model.timelines.slices().length, MAX_SLICES);
  });

  it('is all of a recording, in slices that grow, and nothing of a sum is lost', () => {
    const model = modelOf('recording', [live(1, 1)]);
    const intervals = 5 * MAX_SLICES + 1;
    for (let i = 1; i < intervals; i += 1) {
      model.take(live(1, 1 + i, { rttSmoothedUs: i }));
      model.take(retransmit({ cookie: 1n, segments: 1 }));
      endAt(model, i);
    }
    const [{ id = '' } = {}] = model.table.connections();
    const line = model.timelines.connections.get(id) ?? assert.fail();
    for (const slices of [model.timelines.slices(), model.timelines.slices(line)]) {
      assert.equal(slices.length, Math.ceil(intervals / 8));
      assert.equal(
        slices.reduce((sum, { sent }) => sum + sent, 0),
        intervals,
      );
      assert.equal(slices[0]?.fromMs, (START_S - 1) * 1e3);
      assert.equal(slices.at(-1)?.toMs, (START_S + intervals - 1) * 1e3);
      for (const [at, { toMs }] of slices.slice(0, -1).entries()) assert.equal(toMs, slices[at + 1]?.fromMs);
      assert.deepEqual([slices[1]?.mostRttUs, slices[1]?.rtts], [15, 8]);
    }
    assert.deepEqual(
      model.timelines.slices().map(({ open }) => open),
      Array.from({ length: Math.ceil(intervals / 8) }, () => 1),
    );
  });

  it('has a bound of what has plots, and says when it bites', () => {
    const more = 3;
    const model = modelOf(
      'own',
      Array.from({ length: MAX_CONNECTIONS + more }, (_, i) => live(1, 10, { cookie: BigInt(i + 1) })),
    );
    assert.deepEqual(model.notes(), [
      `${more} times something happened of connections that have no plot: no more than 2048 have`,
    ]);
    // In the sums of all they are.
    assert.equal(model.timelines.slices()[0]?.sent, 10 * (MAX_CONNECTIONS + more));
    for (let i = 1; i <= MAX_SLICES; i += 1) endAt(model, i);
    model.take(live(1, 30, { cookie: BigInt(MAX_CONNECTIONS + more) }));
    endAt(model, MAX_SLICES + 1);
    const last = model.table.connections().find(({ cookie }) => cookie === BigInt(MAX_CONNECTIONS + more));
    assert.ok(model.timelines.connections.get(last?.id ?? ''));
  });

  it('has one of processes, too', () => {
    const more = 3;
    const model = modelOf(
      'own',
      Array.from({ length: MAX_PROCESSES + more }, (_, i) =>
        live(1, 10, { cookie: BigInt(i + 1), owner: { ...owner, pid: i + 1 } }),
      ),
    );
    assert.deepEqual(model.notes(), [
      `${more} times something happened of processes that have no plot: no more than 512 have`,
    ]);
    assert.equal(model.timelines.slices()[0]?.sent, 10 * (MAX_PROCESSES + more));
  });
});
