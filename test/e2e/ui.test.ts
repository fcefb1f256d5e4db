/** `wirespan ui` in headless Chromium: what it shows is what `ss` and the workload know, for everybody, and nothing runs in it. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Browser } from 'playwright-core';
import { fetchPage } from '../../receiver/serve/fetch-page.ts';
import { Cleanup } from '../support/cleanup.ts';
import { hex } from '../support/script.ts';
import { newContext, requestOf } from '../support/traceparent.ts';
import { startView, type RunningView } from '../support/view.ts';
import { waitFor } from '../support/wait.ts';
import { ShownPage, startBrowser, type Cell } from './report-page.ts';
import { byEnds, COMMAND, UiRig, type Connection } from './ui-rig.ts';

const PAGES = ['', 'map', 'requests', 'queues', 'time', 'health'];
/** Others are made of the same parts. */
const BARRIERS: ReadonlySet<string> = new Set(['', 'map', 'health']);
const [BEFORE, SENT, ANSWERED, AGAIN] = [7_001, 30_011, 5_003, 40_009];
const [BACKLOG, WAITING] = [11, 3];
/** So many packets with data are lost, then one passes. */
const LOST = 2;
/** Connections of which this page shows both ends. */
const PAIRS = 2_500;
const TRACES = 'http://traces.example/t/{traceId}';

describe('wirespan ui', () => {
  const cleanup = new Cleanup();
  /** The filter drops requests with these: behind TCP, which sends them again, and before they have left their socket. */
  const [context, stopped] = [newContext(), newContext()];
  const rig = new UiRig(cleanup);
  const { room, client, server } = rig;
  let view: RunningView;
  let browser: Browser;
  let page: ShownPage;
  let url: string;
  let resent: number;
  let dropped: number;
  let lossy: Connection;
  let other: Connection;
  let queue: number;

  /** Opens one of the pages in the place of what is shown. */
  const open = async (path: string): Promise<void> => void (await page.page.goto(url + path));
  const connections = async (): Promise<Map<string, readonly Cell[]>> =>
    byEnds(await page.rows('connections'));
  const value = async (ends: string, at: number): Promise<number | undefined> =>
    (await connections()).get(ends)?.[at]?.value;
  const endsOf = ({ local, port }: Connection): string => `127.0.0.1:${local} 127.0.0.1:${port}`;
  const focused = (): Promise<string> => page.run('document.activeElement.id');

  before(async () => {
    const to = await server.listen();
    other = await rig.connect(to);
    await rig.move('client', other, BEFORE);
    view = await startView(cleanup, 'ui', '--cgroup', `/${room.name}`, '--trace-url', TRACES);
    url = view.stdout().trim();
    browser = await startBrowser(cleanup);
    page = await ShownPage.at(browser, url);
    lossy = await rig.connect(to);
    room.filter(`tcp dport ${to.port} meta length > 100 numgen inc mod ${LOST + 1} != ${LOST} counter drop`);
    const lost = room.counter('TcpRetransSegs');
    const request = requestOf(context);
    await client.run('write', lossy.socket, hex(request));
    await server.run('read', lossy.accepted, request.length);
    resent = room.counter('TcpRetransSegs') - lost;
    room.filter();
    room.filterOutput(`tcp dport ${to.port} meta length > 100 numgen inc mod 2 == 0 counter drop`);
    await client.run('write', lossy.socket, hex(requestOf(stopped)));
    await server.run('read', lossy.accepted, request.length);
    const [, packets = '0'] = /counter packets (\d+)/.exec(room.exec('nft', 'list', 'ruleset')) ?? [];
    dropped = Number(packets);
    room.filterOutput();
    await rig.move('client', lossy, SENT);
    await rig.move('server', lossy, ANSWERED);
    ({ port: queue } = await server.listen('listen', BACKLOG));
    for (let i = 0; i < WAITING; i += 1) {
      const socket = client.next();
      await client.run('socket', socket);
      await client.run('connect', socket, queue);
    }
  });
  after(() => cleanup.run());

  it('shows connections as ss and the workload know them, without being loaded anew', async () => {
    await page.run('window.isSameDocument = true');
    const length = SENT + 2 * requestOf(context).length;
    await waitFor('the page to have all bytes', async () => (await value(endsOf(lossy), 8)) === length);
    assert.equal(await page.run('window.isSameDocument'), true);
    const [rows, sockets] = [await connections(), rig.sockets()];
    assert.equal(sockets.size, 4 + 2 * WAITING);
    for (const [ends, { state, received, retransmits, rttUs }] of sockets) {
      const row = rows.get(ends) ?? assert.fail(`${ends} is not among ${[...rows.keys()].join(', ')}`);
      const shown = { state: row[3]?.text, received: row[9]?.value, retransmits: row[7]?.value };
      assert.deepEqual(shown, { state, received, retransmits }, ends);
      // Both are smoothed by the kernel; the page has it in the microseconds in which something was moved last.
      if (received > 0)
        assert.ok(Math.abs((row[6]?.value ?? 0) - rttUs) <= rttUs, `${ends}: ${row[6]?.value} ${rttUs}`);
    }
    const row = rows.get(endsOf(lossy)) ?? assert.fail();
    assert.equal(row[0]?.text, `${COMMAND} ${client.pid}`);
    assert.deepEqual([row[7]?.value, row[8]?.value, row[9]?.value], [resent, length, ANSWERED]);
    assert.ok(resent >= LOST);
    // What was moved before the command began is there too.
    assert.equal(rows.get(endsOf(other))?.[8]?.value, BEFORE);
  });

  it('shows who talks to whom, with what was moved and sent again', async () => {
    await open('map');
    const rows = await page.rows('links');
    const link = rows.find(
      ([process, , peer]) =>
        process?.text === `${COMMAND} ${client.pid}` && peer?.text === `127.0.0.1:${lossy.port}`,
    );
    assert.deepEqual(
      [3, 5, 6].map((at) => link?.[at]?.value),
      [2, resent, BEFORE + SENT + ANSWERED + 2 * requestOf(context).length],
    );
    assert.equal(
      await page.page.locator('#map .link.lossy').count(),
      rows.filter((row) => (row[5]?.value ?? 0) > 0).length,
    );
    assert.equal(await page.page.locator('#map svg[role=img][aria-label]').count(), 1);
  });

  it('shows the requests that were hurt, each with a link to its trace', async () => {
    await open('requests');
    const rows = await page.rows('requests');
    const shown = rows.map((row) => row.slice(0, 6).map(({ text, value: figure }) => figure ?? text));
    const name = `${COMMAND} ${client.pid}`;
    const [local, peer] = [`127.0.0.1:${lossy.local}`, `127.0.0.1:${lossy.port}`];
    assert.ok(dropped > 0);
    assert.deepEqual(shown, [
      [stopped.traceId, name, `${local} → ${peer}`, 0, dropped, 0],
      [context.traceId, name, peer, resent, 0, 0],
    ]);
    const links = await page.run(
      '[...document.querySelectorAll("#requests tbody a[rel]")].map(({ href, rel }) => [href, rel].join(" "))',
    );
    assert.deepEqual(
      links,
      [stopped, context].map(({ traceId }) => `${TRACES.replace('{traceId}', traceId)} noreferrer noopener`),
    );
  });

  it('shows queues as ss has them', async () => {
    await open('queues');
    const rows = await page.rows('queues');
    const lines = room.exec('ss', '-tlnH').trim().split('\n');
    const expected = lines.map((line) => {
      const [, waiting, limit, local] = line.trim().split(/\s+/);
      return [local, Number(waiting), Number(limit)] as const;
    });
    assert.deepEqual(
      new Set(rows.map((row) => JSON.stringify([row[1]?.text, row[2]?.value, row[3]?.value]))),
      new Set(expected.map((each) => JSON.stringify(each))),
    );
    assert.deepEqual(
      rows[0]?.slice(0, 4).map((cell) => cell.value ?? cell.text),
      [`tcp-script ${server.pid}`, `127.0.0.1:${queue}`, WAITING, BACKLOG],
    );
  });

  it('says that nothing is missing, and where an agent is to be asked', async () => {
    await open('health');
    assert.match((await page.page.locator('#shown').textContent()) ?? '', /Nothing is known to be missing/);
    assert.match(
      (await page.page.locator('#agent-problem').textContent()) ?? '',
      /start it with health\.listen/,
    );
  });

  it('runs nothing but its own two scripts, and asks nobody else for anything', async () => {
    await open('');
    const scripts = await page.run(
      '[...document.scripts].map(({ src, text }) => new URL(src).pathname.split("/").at(-1) + text)',
    );
    assert.deepEqual(scripts, ['live.js']);
    for (const reference of await page.references())
      assert.match(
        reference,
        /^(href=(#content|style\.css|data:,|\.\/(map|requests|queues|time(\?\w+=[\w%]+)?|health)?|\?sort=[\w-]+(&order=reversed)?)|src=live\.js)$/,
      );
    assert.deepEqual(page.complaints, []);
    assert.equal((await fetchPage(new URL('/', url).href)).status, 403);
    // What is put into the page by a mistake of ours is not run either.
    await page.run('document.body.insertAdjacentHTML("beforeend", "<img src=x onerror=\'window.isRun=1\'>")');
    await waitFor('the policy to refuse it', () => page.complaints.length > 0);
    assert.equal(await page.run('window.isRun'), undefined);
    assert.match(page.complaints.join('\n'), /Content Security Policy/);
  });

  it('can be used by everybody: no barrier that axe-core finds, light or dark', async () => {
    for (const path of PAGES) {
      const shown = await ShownPage.at(browser, url + path, path === '' ? 'dark' : 'light');
      if (BARRIERS.has(path)) assert.deepEqual(await shown.barriers(), [], path);
      const names = await shown.run(
        '[document.title, document.querySelector("h1").textContent, document.querySelector("nav [aria-current=page]").textContent]',
      );
      const [title, ...same] = names as string[];
      assert.deepEqual(same, [title?.split(':')[0], title?.split(':')[0]]);
      for (const heading of await shown.run<string[]>(
        '[...document.querySelectorAll("table")].map((table) => [table.caption !== null, table.querySelectorAll("thead th:not([scope=col])").length, table.querySelectorAll("tbody tr > :first-child:not([scope=row])").length].join())',
      ))
        assert.equal(heading, 'true,0,0', path);
      await shown.page.close();
    }
  });

  it('is used by the keyboard, and what has the focus keeps it while figures change', async () => {
    await open('');
    const { keyboard } = page.page;
    await keyboard.press('Tab');
    assert.equal(await page.run('document.activeElement.className'), 'skip');
    await keyboard.press('Enter');
    assert.equal(await focused(), 'content');
    await keyboard.press('Tab');
    assert.equal(await focused(), 'find');
    await keyboard.type(`:${other.local}`);
    const before = await value(endsOf(other), 8);
    await rig.move('client', other, AGAIN);
    await waitFor('the page to have more bytes', async () => (await value(endsOf(other), 8)) !== before);
    assert.equal(await value(endsOf(other), 8), BEFORE + AGAIN);
    assert.equal(await focused(), 'find');
    await keyboard.press('Enter');
    await page.page.waitForURL(/find=/);
    assert.deepEqual(
      new Set((await connections()).keys()),
      new Set([endsOf(other), endsOf(other).split(' ').reverse().join(' ')]),
    );
    await page.page.locator('#connections-by-process').focus();
    await keyboard.press('Enter');
    await page.page.waitForURL(/sort=process/);
    const order = await page.rows('connections');
    assert.deepEqual(
      order.map(([process]) => process?.text),
      [`${COMMAND} ${client.pid}`, `tcp-script ${server.pid}`],
    );
    assert.equal(await page.page.locator('th[aria-sort=ascending]').textContent(), 'Process ▲');
  });

  it('stands still when it is told to', async () => {
    await open('');
    const button = page.page.locator('#pause');
    await button.focus();
    await page.page.keyboard.press('Space');
    assert.equal(await button.getAttribute('aria-pressed'), 'true');
    const sent = await value(endsOf(other), 8);
    await rig.move('client', other, AGAIN);
    const all = BEFORE + 2 * AGAIN;
    await waitFor('the server to have them', async () => (await fetchPage(url)).text.includes(`"${all}"`));
    // One that does not stand still asks so often meanwhile that this one would have asked, too.
    const beside = await ShownPage.at(browser, url);
    let [own, others] = [0, 0];
    page.page.on('request', () => (own += 1));
    beside.page.on('request', () => (others += 1));
    await waitFor('the page beside to ask again', () => others >= 3);
    await beside.page.close();
    assert.deepEqual([own, await value(endsOf(other), 8)], [0, sent]);
    await page.page.keyboard.press('Space');
    await waitFor('the page to go on', async () => (await value(endsOf(other), 8)) === all);
  });

  it('shows 5,000 connections a hundred at a time, and counts all of them', async () => {
    const to = await server.listen();
    for (let i = 0; i < PAIRS; i += 1) await rig.connect(to);
    await open('?sort=local');
    await waitFor('the page to count them', async () => (await page.total('open')) >= 2 * PAIRS + 4);
    const size = Number(room.exec('sh', '-c', 'ss -tnH state connected | wc -l'));
    assert.ok(size >= 5_000);
    assert.equal(await page.total('open'), size);
    assert.equal((await page.rows('connections')).length, 100);
    const startMs = performance.now();
    const { text } = await fetchPage(url);
    const answerMs = performance.now() - startMs;
    const [changeMs, elements] = await page.run<number[]>(`(async () => {
      const { Idiomorph } = await import(new URL('idiomorph.js', location.href).href);
      const next = new DOMParser().parseFromString(await (await fetch(location.href + '&page=2')).text(), 'text/html');
      const startMs = performance.now();
      Idiomorph.morph(document.querySelector('#live'), next.querySelector('#live'));
      return [performance.now() - startMs, document.querySelectorAll('*').length];
    })()`);
    console.log(
      `${size} connections: an answer of ${text.length} bytes after ${answerMs.toFixed(1)} ms, all rows changed in ${changeMs?.toFixed(1)} ms, ${elements} elements`,
    );
    assert.ok(text.length < 120_000 && (elements ?? 0) < 5_000);
    await page.page.goto(`${url}?find=${encodeURIComponent(`:${lossy.local}`)}`);
    assert.ok((await connections()).has(endsOf(lossy)));
  });

  it('ends with Ctrl-C, and serves nobody then', async () => {
    assert.equal(await view.stop(), 0, view.stderr());
    assert.equal(view.stderr(), '');
    assert.equal((await fetchPage(url)).cause, 'nobody listens');
    await waitFor('the page to say so', async () =>
      /does not answer/.test((await page.page.locator('#state').textContent()) ?? ''),
    );
  });
});
