/** What views of sums print of an interval, and which sums they ask for. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { METRIC_SOFTIRQ_TIME, METRIC_TCP_SUBNET_IO } from '../../../semconv/index.ts';
import { optionsOf } from '../../../receiver/views/help.ts';
import { VIEWS } from '../../../receiver/views/index.ts';
import { parseViewArguments, type ViewArguments } from '../../../receiver/views/options.ts';
import type { Gain, View, ViewTools } from '../../../receiver/views/view.ts';

const NOW_NS = 1_700_000_000_000_000_000n;
const TOOLS: ViewTools = {
  names: { dropReason: () => '', resetReason: () => undefined, functionAt: () => undefined },
  toUnixNs: (ns) => ns,
  maxRemembered: 2,
};

describe('views of sums', () => {
  const gain = (metric: Gain['metric'], value: number, attributes: Gain['attributes']): Gain => ({
    metric,
    value,
    attributes,
  });
  const parse = (command: string): { view: View; args: ViewArguments } => {
    const [name = '', ...argv] = command.split(' ');
    const view = VIEWS.find((each) => each.name === name);
    assert.ok(view !== undefined, name);
    return { view, args: parseViewArguments(name, optionsOf(view), argv, view.words) };
  };
  /** What a view prints of one interval. */
  const print = (command: string, ...gains: readonly Gain[]): string[] => {
    const { view, args } = parse(command);
    const run = view.start(args, TOOLS);
    return (run.interval?.(gains, NOW_NS) ?? []).flatMap(({ lines }) => lines);
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
