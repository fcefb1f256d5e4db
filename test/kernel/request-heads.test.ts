/** Which request heads give a trace context, and how the others are counted: one connection a head. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { LOSS_REASON } from '../../receiver/decode/generated/layout.ts';
import { Cleanup } from '../support/cleanup.ts';
import type { NetNamespace } from '../support/net-namespace.ts';
import { hex, TcpScript } from '../support/script.ts';
import { head, newContext, padding, requestOf, valueOf } from '../support/traceparent.ts';
import type { Context } from '../support/traceparent.ts';
import { Watcher } from '../support/watcher.ts';

type Outcome = Extract<keyof typeof LOSS_REASON, `MISS_${string}` | `HIT_${string}`>;
const OUTCOMES = [
  'MISS_HEAD_TOO_LONG',
  'MISS_UNREADABLE',
  'MISS_NO_HEADER',
  'MISS_INVALID',
  'MISS_FRAMING',
  'HIT_HEADER',
] as const satisfies readonly Outcome[];

/** What one write must lead to. `counted`: outcomes in any order; none: not an HTTP request to us. */
interface Case {
  readonly name: string;
  readonly bytes: string;
  readonly found?: Context;
  readonly counted: readonly Outcome[];
}

const c = newContext();
const other = newContext();
const value = valueOf(c);

function found(name: string, bytes: string, context = c): Case {
  return { name, bytes, found: context, counted: ['HIT_HEADER'] };
}

function missed(name: string, bytes: string, ...counted: Outcome[]): Case {
  return { name, bytes, counted };
}

const METHODS = ['GET', 'PUT', 'POST', 'HEAD', 'PATCH', 'TRACE', 'QUERY', 'DELETE', 'OPTIONS', 'CONNECT'];

const methods = METHODS.map((method) =>
  found(`method ${method}`, head([`traceparent: ${value}`], `${method} /a HTTP/1.1`)),
);

const targets = [
  found('absolute form', head([`traceparent: ${value}`], 'GET http://proxy.test/a HTTP/1.1')),
  found('OPTIONS *', head([`traceparent: ${value}`], 'OPTIONS * HTTP/1.1')),
  found('CONNECT host:port', head([`traceparent: ${value}`], 'CONNECT a.test:443 HTTP/1.1')),
  found('HTTP/1.0', head([`traceparent: ${value}`], 'GET / HTTP/1.0')),
  found('WebSocket upgrade', head(['Connection: Upgrade', 'Upgrade: websocket', `traceparent: ${value}`])),
  found('chunked', head([`traceparent: ${value}`, 'Transfer-Encoding: chunked'], 'POST / HTTP/1.1')),
  found(
    'expect',
    head([`traceparent: ${value}`, 'Expect: 100-continue', 'Content-Length: 7'], 'POST / HTTP/1.1'),
  ),
];

const spellings = [
  found('upper case', head([`TRACEPARENT:${value}`])),
  found('mixed case and a tab', head([`TraceParent:\t${value}`])),
  found('several blanks', head([`traceparent: \t  ${value}`])),
  found('trailing space', head([`traceparent: ${value} `])),
  found('trailing blanks', head([`traceparent: ${value} \t `])),
  found('last line of many', head([...Array<string>(31).fill('x-some: thing'), `traceparent: ${value}`])),
  missed('folded before the value', head(['traceparent:', ` ${value}`]), 'MISS_INVALID'),
  missed('folded after the value', head([`traceparent: ${value}`, ' more']), 'MISS_INVALID'),
  missed('folded after a blank', head([`traceparent: ${value} `, '\tmore']), 'MISS_INVALID'),
  missed('a second word', head([`traceparent: ${value} more`]), 'MISS_INVALID'),
  missed('blank before the colon', head([`traceparent : ${value}`]), 'MISS_NO_HEADER'),
];

const lookalikes = [
  missed('x-traceparent', head([`x-traceparent: ${value}`]), 'MISS_NO_HEADER'),
  missed('traceparent-foo', head([`traceparent-foo: ${value}`]), 'MISS_NO_HEADER'),
  missed('tracepart', head([`tracepart: ${value}`]), 'MISS_NO_HEADER'),
  missed('in the target', head([], `GET /?traceparent:${value} HTTP/1.1`), 'MISS_NO_HEADER'),
  missed('in another value', head([`x: traceparent: ${value}`]), 'MISS_NO_HEADER'),
  missed('in a folded line', head(['x: y', ` traceparent: ${value}`]), 'MISS_NO_HEADER'),
  found('a look-alike before', head([`traceparent-foo: ${valueOf(other)}`, `traceparent: ${value}`])),
  found('a look-alike after', head([`traceparent: ${value}`, `traceparents: ${valueOf(other)}`])),
  found('tracestate beside it', head(['tracestate: a=b', `traceparent: ${value}`, 'tracestate: c=d'])),
];

const invalid = [
  ['zero trace id', `00-${'0'.repeat(32)}-${c.spanId}-01`],
  ['zero span id', `00-${c.traceId}-${'0'.repeat(16)}-01`],
  ['version ff', `ff-${c.traceId}-${c.spanId}-01`],
  ['upper-case hexadecimal', value.toUpperCase()],
  ['not hexadecimal', `00-g${c.traceId.slice(1)}-${c.spanId}-01`],
  ['version not hexadecimal', `0x-${c.traceId}-${c.spanId}-01`],
  ['flags not hexadecimal', `00-${c.traceId}-${c.spanId}-0g`],
  // The neighbours of digits and letters, and what differs from one by a single bit.
  ...[...'/:@`gpAF \x7f'].map(
    (sign, at) =>
      [
        `0x${sign.charCodeAt(0).toString(16)} for a digit`,
        `00-${c.traceId.slice(0, at)}${sign}${c.traceId.slice(at + 1)}-${c.spanId}-01`,
      ] as const,
  ),
  ['54 characters', value.slice(0, -1)],
  ['56 characters', `${value}0`],
  ['version 00 with a suffix', `${value}-x`],
  ['version 01 with a suffix without dash', `01${value.slice(2)}x`],
  ['underscores', value.replaceAll('-', '_')],
  ['two in one value', `${value}, ${value}`],
  ['empty', ''],
].map(([name = '', text = '']) => missed(`value: ${name}`, head([`traceparent: ${text}`]), 'MISS_INVALID'));

const duplicates = [
  found('version 01 with a suffix', head([`traceparent: 01${value.slice(2)}-x`])),
  missed('two equal', head([`traceparent: ${value}`, `traceparent: ${value}`]), 'MISS_INVALID'),
  missed('two different', head([`traceparent: ${value}`, `Traceparent: ${valueOf(other)}`]), 'MISS_INVALID'),
  missed('none at all', head([]), 'MISS_NO_HEADER'),
];

const lengths = [
  found('3,900 bytes before it', head([padding(3_900), `traceparent: ${value}`])),
  missed('4,100 bytes before it', head([padding(4_100), `traceparent: ${value}`]), 'MISS_HEAD_TOO_LONG'),
  missed('16,000 bytes before it', head([padding(16_000), `traceparent: ${value}`]), 'MISS_HEAD_TOO_LONG'),
  missed(
    'ends inside the name',
    head([`traceparent: ${value}`]).split('eparent')[0] ?? '',
    'MISS_HEAD_TOO_LONG',
  ),
  missed('ends inside the value', head([`traceparent: ${value}`]).slice(0, -9), 'MISS_HEAD_TOO_LONG'),
  missed('ends between CR and LF', head([`traceparent: ${value}`]).slice(0, -3), 'MISS_HEAD_TOO_LONG'),
  missed('ends before the last LF', head([`traceparent: ${value}`]).slice(0, -1), 'MISS_HEAD_TOO_LONG'),
];

const noRequests = [
  ['lower-case method', head([`traceparent: ${value}`], 'get / HTTP/1.1')],
  ['a longer word', head([`traceparent: ${value}`], 'GETS / HTTP/1.1')],
  ['a reply', head([`traceparent: ${value}`], 'HTTP/1.1 200 OK')],
  ['HTTP/2 preface', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
  ['TLS', `\x16\x03\x01${'\0'.repeat(61)}`],
  ['a blank line first', `\r\n${head([`traceparent: ${value}`])}`],
].map(([name = '', bytes = '']) => missed(`no request: ${name}`, bytes));

const pipelined: Case = {
  name: 'two requests in one write',
  bytes: requestOf(c) + requestOf(other),
  found: c,
  counted: ['HIT_HEADER', 'HIT_HEADER'],
};

const CASES: readonly Case[] = [
  ...methods,
  ...targets,
  ...spellings,
  ...lookalikes,
  ...invalid,
  ...duplicates,
  ...lengths,
  ...noRequests,
  pipelined,
];

const ATTEMPTS = 4;

describe('request heads', () => {
  const cleanup = new Cleanup();
  let watcher: Watcher;
  let room: NetNamespace;
  let script: TcpScript;
  let listening: { listener: number; port: number };

  before(async () => {
    ({ room, script } = TcpScript.open(cleanup));
    listening = await script.listen();
    watcher = new Watcher();
    cleanup.add(() => watcher.close());
  });
  after(() => cleanup.run());

  /** Sends the bytes as the first write of a connection; its handshake records, and what was counted. */
  async function send(bytes: string) {
    const before = OUTCOMES.map((outcome) => watcher.count('PROBE_REQUEST', outcome));
    const [client, server] = [script.next(), script.next()];
    await script.run('socket', client);
    const localPort = await script.run('request', client, listening.port, hex(bytes));
    await script.run('accept', server, listening.listener);
    await script.run('read', server, bytes.length);
    await script.run('close', client);
    await script.run('close', server);
    const counted = OUTCOMES.flatMap((outcome, i) =>
      Array<Outcome>(watcher.count('PROBE_REQUEST', outcome) - (before[i] ?? 0)).fill(outcome),
    );
    const handshakes = watcher
      .connections(room.inode, localPort, listening.port)
      .filter(({ kind }) => kind === 'handshake')
      .map(({ context }) => ({
        traceId: context?.traceId,
        spanId: context?.spanId,
        flags: context?.traceFlags,
      }));
    return { handshakes, counted };
  }

  for (const { name, bytes, found: context, counted } of CASES) {
    test(name, async () => {
      // Requests of other programs are counted in the same place: another try tells them apart.
      for (let attempt = 1; ; attempt += 1) {
        const seen = await send(bytes);
        assert.deepEqual(seen.handshakes, context === undefined ? [] : [context]);
        if (attempt < ATTEMPTS && seen.counted.join() !== counted.join()) continue;
        assert.deepEqual(seen.counted, counted);
        return;
      }
    });
  }

  for (const flags of [0, 2, 3, 0xff]) {
    test(`flags ${flags}: a handshake record only when sampled`, async () => {
      const context = newContext(flags);
      const { handshakes } = await send(requestOf(context));
      assert.deepEqual(handshakes, flags % 2 === 1 ? [context] : []);
    });
  }
});
