import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { renderTree } from '../../../demo/tree.ts';
import type { StoredSpan } from '../../backends/jaeger-traces.ts';

const MS = 1_000;

/** Begins and ends at these milliseconds. */
function span(spanId: string, parentSpanId: string, name: string, [from, to]: [number, number]): StoredSpan {
  const tags = name.startsWith('tcp r')
    ? { 'wirespan.tcp.retransmit.type': 'tail_loss_probe', 'wirespan.tcp.retransmit.segments': 2 }
    : {};
  const [startUs, endUs] = [from * MS, to * MS];
  const ofTrace = { traceId: '1', service: 'shop', resource: {}, warnings: [] };
  return { ...ofTrace, spanId, parentSpanId, name, startUs, endUs, tags };
}

const trace = [
  span('d', 'b', 'SELECT', [88, 90]),
  span('c', 'b', 'tcp retransmit', [20, 80]),
  span('a', '', 'GET', [0, 100]),
  span('b', 'a', 'Get', [10, 90]),
  span('e', 'a', 'tcp connect 443', [5, 5]),
  span('f', 'nobody', 'stray', [50, 60]),
];

describe('the tree of a trace', () => {
  test('has each span below its parent, in the order of time, with its bar', () => {
    assert.deepEqual(renderTree(trace, { columns: 84, hasColour: false }).split('\n'), [
      '                                                 service   at ms took ms',
      'GET                                              shop        0.0   100.0  ██████████',
      '├ tcp connect 443                                shop        5.0     0.0   ▏',
      '└ Get                                            shop       10.0    80.0   ████████',
      '  ├ tcp retransmit: 2 segments, tail loss probe  shop       20.0    60.0    ▒▒▒▒▒▒',
      '  └ SELECT                                       shop       88.0     2.0           ▏',
      'stray                                            shop       50.0    10.0       █',
    ]);
  });

  test('says below an exchange what its time was spent on, the most first, and nothing of what took none', () => {
    const phase = (name: string): string => `wirespan.tcp.exchange.phase.${name}`;
    const tags = {
      [phase('peer')]: 0.012_3,
      [phase('receive_queue')]: 0.02,
      [phase('send')]: 0.000_04,
      'wirespan.tcp.exchange.bytes_sent': 7,
    };
    const exchange = { ...span('b', 'a', 'tcp exchange 80', [10, 90]), tags };
    const spans = [span('a', '', 'GET', [0, 100]), exchange, span('c', 'b', 'tcp retransmit', [20, 80])];
    assert.deepEqual(renderTree(spans, { columns: 0, hasColour: false }).split('\n').slice(2, 5), [
      '└ tcp exchange 80                                shop       10.0    80.0',
      '    receive queue                                                   20.0',
      '    peer                                                            12.3',
    ]);
  });

  test('has no bars where there is no room, and colours for the network', () => {
    const lines = renderTree(trace, { columns: 83, hasColour: true }).split('\n');
    assert.ok(lines.every((line) => !/[█▒▏]/.test(line)));
    assert.deepEqual(
      lines.filter((line) => line.includes('\u001b[33m')).map((line) => /tcp \w+/.exec(line)?.[0]),
      ['tcp connect', 'tcp retransmit'],
    );
  });
});
