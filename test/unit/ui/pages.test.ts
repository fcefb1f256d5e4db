/** What the pages of `wirespan ui` say of what is known. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { HurtRequests } from '../../../receiver/ui/requests.ts';
import type { UiModel } from '../../../receiver/ui/model.ts';
import { connectionsPage } from '../../../receiver/ui/page/connections.ts';
import { healthPage } from '../../../receiver/ui/page/health.ts';
import { mapPage } from '../../../receiver/ui/page/map.ts';
import { queuesPage } from '../../../receiver/ui/page/queues.ts';
import { requestsPage } from '../../../receiver/ui/page/requests.ts';
import { renderShell } from '../../../receiver/ui/page/shell.ts';
import { connection, dropped, owner, request, retransmit } from '../../support/correlation.ts';
import { HOSTILE, live, modelOf, rowsOf } from './made.ts';

/** Rows of a page at most: docs/ui.md. */
const PAGE_ROWS = 100;

const TEMPLATE = 'http://jaeger.example/trace/{traceId}?x=1';
const connections = (model: UiModel, query = ''): string =>
  renderShell('', model, connectionsPage(model, new URLSearchParams(query)));
const firsts = (html: string, id = 'connections'): string[] => rowsOf(html, id).map(([first = '']) => first);

describe('the page of connections', () => {
  const model = modelOf('own', [live(1, 100), live(3, 3_000, { rttSmoothedUs: 20 }), live(2, 200)]);

  it('has who sends most first, with ends, state and figures', () => {
    assert.deepEqual(rowsOf(connections(model), 'connections')[0], [
      ...['app-3 3', '10.1.2.3:40000', '192.0.2.9:8080', 'ESTAB'],
      ...['2.9 KiB', '0 B', '20 µs', '0', '2.9 KiB', '0 B'],
    ]);
  });

  it('is sorted by each column, either way, and says so to who does not see it', () => {
    assert.deepEqual(firsts(connections(model, 'sort=process')), ['app-1 1', 'app-2 2', 'app-3 3']);
    const turned = connections(model, 'sort=process&order=reversed');
    assert.deepEqual(firsts(turned), ['app-3 3', 'app-2 2', 'app-1 1']);
    assert.match(turned, /<th scope="col" aria-sort="descending"><a id="connections-by-process"/);
    assert.deepEqual(firsts(connections(model, 'sort=sent&order=reversed')), [
      'app-1 1',
      'app-2 2',
      'app-3 3',
    ]);
    // Nothing else is a column.
    assert.deepEqual(firsts(connections(model, 'sort=constructor')), ['app-3 3', 'app-2 2', 'app-1 1']);
  });

  it('has the rows that have a text, and keeps it in its links', () => {
    const html = connections(model, `find=${encodeURIComponent('APP-2')}&sort=process`);
    assert.deepEqual(firsts(html), ['app-2 2']);
    assert.match(html, /name="find" value="APP-2"/);
    assert.match(html, /href="\?sort=process&amp;order=reversed&amp;find=APP-2"/);
    assert.match(connections(model, 'find=nobody'), /No row has that/);
    const hostile = connections(model, `find=${encodeURIComponent('"><script>alert(1)</script>')}`);
    assert.doesNotMatch(hostile, /<script>/);
  });

  it('is as long for 5,000 connections as for a hundred', () => {
    const many = modelOf(
      'own',
      Array.from({ length: 5_000 }, (_, i) => live(i + 1, 10_000 - i)),
    );
    const startMs = performance.now();
    const html = connections(many);
    console.log(
      `a page of 5,000 connections: ${(performance.now() - startMs).toFixed(1)} ms, ${html.length} bytes`,
    );
    assert.equal(rowsOf(html, 'connections').length, PAGE_ROWS);
    assert.ok(html.length < 120_000, String(html.length));
    assert.match(html, /<data value="5000">5000<\/data>, rows 1 to 100/);
    const last = connections(many, 'page=50');
    assert.deepEqual([firsts(last)[0], firsts(last).at(-1)], ['app-4901 4901', 'app-5000 5000']);
    for (const page of ['51', '1e9', '-1', 'NaN', '0x10', ''])
      assert.equal(rowsOf(connections(many, `page=${page}`), 'connections').length, PAGE_ROWS, page);
    assert.deepEqual(firsts(connections(many, 'page=1e9')), firsts(last));
    assert.deepEqual(firsts(connections(many, 'find=app-4999')), ['app-4999 4999']);
  });

  it('says of a recording what it cannot know', () => {
    const recorded = modelOf('recording', [
      connection({ cookie: 1n, bytesSent: 7n, timeNs: 1n }),
      retransmit({ cookie: 2n }),
    ]);
    const html = connections(recorded);
    // One that ended long ago is there; of the open one nothing but its losses is known.
    assert.deepEqual(
      rowsOf(html, 'connections').map((row) => row.slice(-3)),
      [
        ['1', '7 B', '20 B'],
        ['1', '–', '–'],
      ],
    );
    assert.match(html, /A recording of before has no figures of a connection before its end/);
    assert.doesNotMatch(html, /Sent\/s/);
  });
});

describe('the page of who talks to whom', () => {
  it('sums connections by process and service, with the mean RTT and losses', () => {
    const of = { ...owner, pid: 7, command: 'client' };
    const ends = connection().endpoints;
    const model = modelOf('own', [
      live(1, 100, { owner: of, rttSmoothedUs: 1_000 }),
      live(2, 300, { owner: of, rttSmoothedUs: 3_000, segmentsRetransmitted: 5 }),
      live(3, 50, { owner: of, endpoints: { ...ends, peerPort: 5_432 }, rttSmoothedUs: 0 }),
      live(4, 9, { role: 'server', endpoints: { ...ends, localPort: 443, peerPort: 50_001 } }),
      live(4, 9, { cookie: 5n, role: 'server', endpoints: { ...ends, localPort: 443, peerPort: 50_002 } }),
    ]);
    const html = renderShell('map', model, mapPage(model, new URLSearchParams()));
    assert.deepEqual(
      rowsOf(html, 'links').map((row) => row.slice(0, 7)),
      [
        ['client 7', 'client', '192.0.2.9:8080', '2', '2.0 ms', '5', '400 B'],
        ['client 7', 'client', '192.0.2.9:5432', '1', '–', '0', '50 B'],
        ['app-4 4', 'server, port 443', '192.0.2.9', '2', '1.5 ms', '0', '18 B'],
      ],
    );
    assert.deepEqual(html.match(/class="link( lossy)?"/g), [
      'class="link lossy"',
      'class="link"',
      'class="link"',
    ]);
    assert.match(html, /role="img" aria-label="The 3 of 3 pairs that moved most, 1 of them with segments/);
  });
});

describe('the page of requests that were hurt', () => {
  const model = modelOf('own', [
    retransmit({ context: request(1), segments: 2, timeNs: 1n }),
    retransmit({ timeNs: 2n }),
    dropped({ context: request(1), timeNs: 3n }),
    connection({ kind: 'fail', error: 'timeout', context: request(2), timeNs: 4n }),
    connection({ kind: 'handshake', context: request(3), timeNs: 5n }),
  ]);

  it('has those alone that something happened to, with a link to each trace', () => {
    const html = renderShell('requests', model, requestsPage(model, new URLSearchParams(), TEMPLATE));
    const rows = rowsOf(html, 'requests');
    assert.deepEqual(
      rows.map((row) => [row[0], ...row.slice(3, 6)]),
      [
        [request(2).traceId, '0', '0', '1'],
        [request(1).traceId, '2', '1', '0'],
      ],
    );
    for (const [trace = ''] of rows)
      assert.ok(
        html.includes(`href="http://jaeger.example/trace/${trace}?x=1" rel="noreferrer noopener"`),
        trace,
      );
  });

  it('has a bound, and says when it bites', () => {
    const requests = new HurtRequests(3);
    for (let i = 1; i <= 5; i += 1) requests.take(retransmit({ context: request(i) }));
    assert.equal(requests.forgotten, 2);
    assert.deepEqual(
      requests.rows().map(({ traceId }) => traceId),
      [5, 4, 3].map((i) => request(i).traceId),
    );
  });
});

describe('the page of queues', () => {
  it('has the fullest first, and says where queues cannot be known', () => {
    const of = (port: number, queued: number) => ({
      ...({ id: `\x01${port}`, owner, family: 4, address: '0.0.0.0', port, netns: 7, sockets: 1 } as const),
      ...{ queued, limit: 128, drops: 3 },
    });
    const model = modelOf('own', [], [of(80, 1), of(443, 9)]);
    const html = renderShell('queues', model, queuesPage(model, new URLSearchParams()));
    assert.deepEqual(rowsOf(html, 'queues'), [
      ['app 42', '0.0.0.0:443', '9', '128', '9', '3', '1'],
      ['app 42', '0.0.0.0:80', '1', '128', '1', '3', '1'],
    ]);
    const none = modelOf('agent', []);
    assert.match(renderShell('queues', none, queuesPage(none, new URLSearchParams())), /Nothing listens/);
  });
});

describe('the page of health', () => {
  it('has what is missing, and what an agent says, whatever that is', () => {
    const model = modelOf('own', []);
    const agent = {
      groups: [{ title: 'The agent', findings: [{ subject: 'ready', state: 'ok', found: HOSTILE }] }],
    };
    const well = renderShell('health', model, healthPage(model, agent));
    assert.match(well, /Nothing is known to be missing/);
    assert.doesNotMatch(well, /class="warning"|<script>|<img/);
    model.say(`7 events are missing ${HOSTILE}`);
    model.say(`7 events are missing ${HOSTILE}`);
    const ill = renderShell('health', model, healthPage(model, { problem: HOSTILE, groups: [] }));
    assert.match(ill, /class="warning"/);
    assert.equal(ill.match(/<li><bdi>7 events are missing/g)?.length, 1);
    assert.doesNotMatch(ill, /<script>|<img/);
  });
});

it('names of processes are text on every page', () => {
  const named = { ...owner, command: HOSTILE.slice(0, 60), executable: HOSTILE };
  const model = modelOf(
    'own',
    [live(1, 9, { owner: named }), retransmit({ owner: named, context: request(1) })],
    [
      {
        ...{ id: HOSTILE, owner: named, family: 4, address: '0.0.0.0', port: 1, netns: 7, sockets: 1 },
        ...{ queued: 0, limit: 1, drops: 0 },
      },
    ],
  );
  const query = new URLSearchParams();
  const pages = [
    connections(model),
    renderShell('map', model, mapPage(model, query)),
    renderShell('requests', model, requestsPage(model, query, TEMPLATE)),
    renderShell('queues', model, queuesPage(model, query)),
  ];
  for (const html of pages) {
    assert.ok(html.includes('&lt;/bdi>&lt;script>alert(1)'), html.slice(0, 200));
    assert.doesNotMatch(html, /<script>|<img/);
  }
});
