/** What views of sums print of an interval, and which sums they ask for. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { METRIC_SOFTIRQ_TIME, METRIC_TCP_SUBNET_IO } from '../../../semconv/index.ts';
import { optionsOf } from '../../../receiver/views/help.ts';
import { VIEWS } from '../../../receiver/views/index.ts';
import { parseViewArguments, type ViewArguments } from '../../../receiver/views/options.ts';
import { kernelRulesOf } from '../../../receiver/views/filter.ts';
import type { SampleHistogram } from '../../../receiver/model/samples.ts';
import type { Gain, View, ViewRow, ViewTools } from '../../../receiver/views/view.ts';

const NOW_NS = 1_700_000_000_000_000_000n;
const TOOLS: ViewTools = {
  names: { dropReason: () => '', resetReason: () => undefined, functionAt: () => undefined },
  toUnixNs: (ns) => ns,
  maxRemembered: 2,
  isTerminal: false,
  loads: () => [0.5, 1, 2.25],
};

const parse = (command: string): { view: View; args: ViewArguments } => {
  const [name = '', ...argv] = command.split(' ');
  const view = VIEWS.find((each) => each.name === name);
  assert.ok(view !== undefined, name);
  return { view, args: parseViewArguments(name, optionsOf(view), argv, view.words) };
};

describe('views of sums', () => {
  const gain = (metric: Gain['metric'], value: number, attributes: Gain['attributes']): Gain => ({
    metric,
    value,
    attributes,
  });
  /** What a view prints of one interval. */
  const print = (command: string, ...gains: readonly Gain[]): string[] => {
    const { view, args } = parse(command);
    const run = view.start(args, TOOLS);
    return (run.interval?.(gains, NOW_NS, []) ?? []).flatMap(({ lines }) => lines);
  };
  const spent = (vector: string, seconds: number, cpu = 0): Gain =>
    gain(METRIC_SOFTIRQ_TIME, seconds, { 'wirespan.softirq.vector': vector, 'cpu.logical_number': cpu });
  const moved = (cidr: string, bytes: number, direction = 'transmit'): Gain =>
    gain(METRIC_TCP_SUBNET_IO, bytes, { 'wirespan.peer.cidr': cidr, 'network.io.direction': direction });

  it('softirqs: the vectors with their time, most last', () => {
    assert.deepEqual(print('softirqs', spent('net_rx', 0.0125), spent('timer', 0.001)), [
      'SOFTIRQ          TOTAL_usecs',
      'timer                   1000',
      'net_rx                 12500',
      '',
    ]);
    assert.deepEqual(print('softirqs -N -c 1', spent('net_rx', 2e-6, 1), spent('net_rx', 1, 0)), [
      'SOFTIRQ          TOTAL_nsecs',
      'net_rx                  2000',
      '',
    ]);
    assert.match(print('softirqs -T', spent('net_rx', 1))[0] ?? '', /^\d\d:\d\d:\d\d$/);
  });

  it('tcpsubnet: what was sent, most first, in the unit that was asked for', () => {
    const gains = [moved('10.0.0.0/8', 2_048), moved('10.0.0.0/8', 9, 'receive'), moved('other', 4_096)];
    assert.deepEqual(print('tcpsubnet', ...gains).slice(1), [
      'other                         4096',
      '10.0.0.0/8                    2048',
    ]);
    assert.deepEqual(print('tcpsubnet -f K', ...gains).slice(1), [
      'other                            4',
      '10.0.0.0/8                       2',
    ]);
    assert.match(print('tcpsubnet')[0] ?? '', /^\[\d\d:\d\d:\d\d\]$/);
  });

  it('say how often, and of which networks, by words too', () => {
    const sums = (command: string) => {
      const { view, args } = parse(command);
      return view.needs(args).sums;
    };
    assert.deepEqual(
      [sums('softirqs 2 3')?.intervalMs, sums('softirqs 2 3')?.intervals, sums('softirqs')?.intervals],
      [2_000, 3, undefined],
    );
    assert.deepEqual(sums('tcpsubnet 192.0.2.0/24,0.0.0.0/0 -i 5')?.subnets, ['192.0.2.0/24', '0.0.0.0/0']);
    assert.equal(sums('tcpsubnet')?.intervalMs, 1_000);
  });
});

describe('views of samples', () => {
  const slots = (...counts: readonly number[]): number[] =>
    Array.from({ length: 40 }, (_, i) => counts[i] ?? 0);
  const histogram = (rest: Partial<SampleHistogram>): SampleHistogram => ({
    family: 4,
    localAddress: undefined,
    remoteAddress: undefined,
    number: 0,
    vector: undefined,
    cpu: 0,
    slots: slots(1, 0, 4),
    sum: 25,
    ...rest,
  });
  const rowsOf = (command: string, ...histograms: readonly SampleHistogram[]): readonly ViewRow[] => {
    const { view, args } = parse(command);
    return view.start(args, TOOLS).interval?.([], NOW_NS, histograms) ?? [];
  };
  const print = (command: string, ...histograms: readonly SampleHistogram[]): string[] =>
    rowsOf(command, ...histograms).flatMap(({ lines }) => lines);
  const bars = [
    '         0 -> 1          : 1        |**********                              |',
    '         2 -> 3          : 0        |                                        |',
    '         4 -> 7          : 4        |****************************************|',
  ];

  it('tcprtt: all in one histogram as BCC prints it, and with -e the average', () => {
    const usecs = '     usecs               : count    distribution';
    assert.deepEqual(print('tcprtt -e', histogram({}), histogram({ family: 6, slots: slots(), sum: 0 })), [
      '',
      'All Addresses = ****** [AVG 5]',
      usecs,
      ...bars,
    ]);
    assert.match(print('tcprtt -m -T', histogram({}))[1] ?? '', /^\d\d:\d\d:\d\d$/);
    assert.match(print('tcprtt -m -e', histogram({ sum: 25_000 }))[1] ?? '', /\[AVG 5\]$/);
    assert.deepEqual(print('tcprtt -6', histogram({})), ['']);
    assert.deepEqual(print('tcprtt'), ['']);
  });

  it('tcprtt: by addresses, and of one, however it is written', () => {
    const one = histogram({ family: 6, localAddress: '::1', remoteAddress: '::2' });
    const other = histogram({ localAddress: '127.0.0.1', remoteAddress: '127.0.0.2' });
    const titlesOf = (command: string): string[] =>
      print(command, one, other).filter((line) => line.includes('Address'));
    assert.deepEqual(titlesOf('tcprtt -b'), ['Local Address = 127.0.0.1', 'Local Address = ::1']);
    assert.deepEqual(titlesOf('tcprtt -b -B -a 0:0::1'), ['Local Address = ::1, Remote Address = ::2']);
    const [, row] = rowsOf('tcprtt -B -4', other);
    assert.deepEqual(row?.json, {
      time: '2023-11-14T22:13:20.000000000Z',
      remote_address: '127.0.0.2',
      samples: 5,
      average_us: 5,
      unit: 'us',
      slots: [
        { from: 0, to: 1, count: 1 },
        { from: 4, to: 7, count: 4 },
      ],
    });
  });

  it('tcprtt: how long, and what the kernel leaves out', () => {
    const needs = (command: string) => {
      const { view, args } = parse(command);
      const { sums } = view.needs(args);
      return [
        sums?.intervalMs,
        sums?.intervals,
        sums?.samples?.by.join(),
        kernelRulesOf(args, view.ports?.(args) ?? {}),
      ];
    };
    assert.deepEqual(needs('tcprtt -i 2 -d 5 -b -B'), [2000, 3, 'local,remote', []]);
    assert.deepEqual(needs('tcprtt -d 5 -a 127.0.0.1'), [5000, 1, 'local', []]);
    assert.deepEqual(needs('tcprtt 1 4 -p 1 -P 2 -A ::1 --pid 3'), [
      1000,
      4,
      '',
      [{ pid: 3, cidr: '::1/128', local_port: 1, remote_port: 2 }],
    ]);
    assert.throws(() => parse('tcprtt -a localhost'), /-a localhost: is no IP address/);
  });

  it('tcpsynbl: a histogram for each limit, families together', () => {
    const all = [histogram({ number: 128 }), histogram({ number: 5 }), histogram({ number: 128, family: 6 })];
    const lines = print('tcpsynbl', ...all);
    assert.deepEqual(
      lines.filter((line) => line.includes('backlog_max')),
      ['backlog_max = 5', 'backlog_max = 128'],
    );
    assert.ok(
      lines.includes('         4 -> 7          : 8        |****************************************|'),
    );
    assert.equal(rowsOf('tcpsynbl -4', ...all)[1]?.json?.['samples'], 5);
  });

  it('softirqs: runs of each vector, most last, or their times', () => {
    const all = [histogram({ vector: 'timer', slots: slots(9) }), histogram({ vector: 'net_rx' })];
    assert.deepEqual(print('softirqs -C', ...all), [
      'SOFTIRQ          TOTAL_count',
      'net_rx                     5',
      'timer                      9',
      '',
    ]);
    assert.deepEqual(print('softirqs -d -N', ...all.slice(1)), [
      '',
      'softirq = net_rx',
      '     nsecs               : count    distribution',
      ...bars,
      '',
    ]);
    assert.deepEqual(print('softirqs -C -c 1', ...all).length, 2);
    const { view, args } = parse('softirqs -C -d');
    assert.throws(() => view.needs(args), /-C and -d: do not go together: give one of them/);
  });
});
