/** What a view is asked for, and what is said of what it cannot be. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ConfigError } from '../../../config/index.ts';
import { Counts } from '../../../receiver/views/counts.ts';
import { isShown, kernelRulesOf } from '../../../receiver/views/filter.ts';
import { optionsOf, renderViewHelp } from '../../../receiver/views/help.ts';
import { VIEWS } from '../../../receiver/views/index.ts';
import { parseViewArguments, type ViewArguments } from '../../../receiver/views/options.ts';
import type { ViewPorts } from '../../../receiver/views/view.ts';
import { connection, dropped, owner } from '../../support/correlation.ts';

function parse(command: string): { readonly args: ViewArguments; readonly ports: ViewPorts } {
  const [name = '', ...argv] = command.split(' ');
  const view = VIEWS.find((each) => each.name === name);
  assert.ok(view !== undefined, name);
  const args = parseViewArguments(name, optionsOf(view), argv, view.words);
  return { args, ports: view.ports?.(args) ?? {} };
}

const refusal = (command: string): string => {
  try {
    parse(command);
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    return error.message;
  }
  return 'taken';
};

describe('the options of a view', () => {
  it('are refused in one sentence that says what to do', () => {
    const cases: Readonly<Record<string, RegExp>> = {
      'tcplife --wid':
        /^wirespan tcplife: --wid: is no option of it: see wirespan tcplife --help; the nearest is --wide$/,
      'tcplife -Q': /^wirespan tcplife: -Q: is no option of it/,
      'tcplife 22': /^wirespan tcplife: argument 1: is no option/,
      'tcplife -L': /^wirespan tcplife: -L: needs a value: -L PORTS$/,
      'tcplife -L 0': /^wirespan tcplife: -L 0: is no list of ports: give numbers from 1 to 65535/,
      'tcplife -L 80,,81': /is no list of ports/,
      'tcplife -L 65536': /is no list of ports/,
      'tcplife --wide=yes': /^wirespan tcplife: --wide: takes no value$/,
      'tcplife -p x': /^wirespan tcplife: -p x: is no process id: give a number from 1 to 4194304$/,
      'tcplife --cgroup system.slice': /is no path: it begins with \/ at the mount point/,
      'tcptracer -N -1': /-N/,
      'tcpconnect -u root':
        /^wirespan tcpconnect: -u root: is no user id: give a number from 0 to 4294967294$/,
      'tcpconnect -u 4294967295': /is no user id/,
      'tcpconnlat 1 2': /^wirespan tcpconnlat: argument 2: is no option/,
      'tcpconnlat x': /^wirespan tcpconnlat: argument 1, x: is no time/,
      'softirqs 0':
        /^wirespan softirqs: argument 1, 0: is no number of seconds: give a number from 1 to 86400$/,
      'softirqs -c x': /is no CPU: give its number, from 0/,
      'tcpsubnet 10.0.0.0': /must be networks in CIDR notation, such as 10\.0\.0\.0\/8 or fd00::\/8$/,
      'tcpsubnet 10.1.0.0/8': /must be networks without host bits: write 10\.0\.0\.0\/8$/,
      'tcpsubnet -f G': /is none of its values: b, k, m, B, K, M$/,
      'tcpsubnet -f constructor': /is none of its values/,
      'tcpconnlat -m 1e3': /is no time: give milliseconds, such as 10 or 0\.5/,
    };
    for (const [command, expected] of Object.entries(cases)) {
      assert.match(refusal(command), expected, command);
      assert.equal(refusal(command).split('\n').length, 1, command);
    }
  });

  it('are taken in the ways that getopt takes them', () => {
    for (const text of ['-L 80,443', '-L80,443', '--localport 80,443', '--localport=80,443'])
      assert.deepEqual([...(parse(`tcplife ${text}`).ports.local ?? [])], [80, 443], text);
    const { args } = parse('tcplife -Ttw -p 7');
    assert.deepEqual([args.has('time'), args.has('timestamp'), args.has('wide')], [true, true, true]);
    assert.equal(args.number('pid'), 7);
  });

  it('have each letter once', () => {
    for (const view of VIEWS) {
      const letters = optionsOf(view).flatMap(({ short }) => short ?? []);
      const names = optionsOf(view).map(({ long }) => long);
      assert.equal(new Set(letters).size, letters.length, `${view.name} ${letters.join('')}`);
      assert.equal(new Set(names).size, names.length, view.name);
    }
  });

  it('are in the help, which fits a terminal', () => {
    for (const view of VIEWS) {
      const help = renderViewHelp(view);
      for (const { long } of optionsOf(view)) assert.match(help, new RegExp(`--${long}\\b`), view.name);
      for (const line of help.split('\n')) assert.ok(line.length <= 120, `${view.name}: ${line}`);
    }
  });
});

describe('what the kernel leaves out for a view', () => {
  const rules = (command: string): unknown => {
    const { args, ports } = parse(command);
    return kernelRulesOf(args, ports);
  };

  it('is nothing without options', () => {
    assert.deepEqual(rules('tcplife'), []);
    assert.deepEqual(rules('tcplife -4'), []);
  });

  it('is all that no pair of ports matches, of this process', () => {
    assert.deepEqual(rules('tcplife -p 7 -L 1,2 -D 3'), [
      { pid: 7, local_port: 1, remote_port: 3 },
      { pid: 7, local_port: 2, remote_port: 3 },
    ]);
    assert.deepEqual(rules('tcptracer -N 9 --cgroup /a'), [{ netns: 9, cgroup: '/a' }]);
  });

  it('is left to user space by port where the kernel has too few rules', () => {
    const many = Array.from({ length: 17 }, (_, i) => i + 1).join(',');
    assert.deepEqual(rules(`tcplife -L ${many}`), []);
    assert.deepEqual(rules(`tcplife -p 7 -L ${many}`), [{ pid: 7 }]);
    const { args, ports } = parse(`tcplife -L ${many}`);
    assert.equal(isShown(connection(), args, ports), false);
    const shown = connection({ endpoints: { ...connection().endpoints, localPort: 17 } });
    assert.equal(isShown(shown, args, ports), true);
  });
});

describe('what user space leaves out', () => {
  const is = (command: string, record: Parameters<typeof isShown>[0]): boolean => {
    const { args, ports } = parse(command);
    return isShown(record, args, ports);
  };

  it('are other families, ports and namespaces', () => {
    assert.equal(is('tcplife -4', connection()), true);
    assert.equal(is('tcplife -6', connection()), false);
    assert.equal(is('tcplife -4 -6', connection()), true);
    assert.equal(is('tcplife -D 8080', connection()), true);
    assert.equal(is('tcplife -D 8081', connection()), false);
    assert.equal(is('tcptracer -N 7', connection()), true);
    assert.equal(is('tcptracer -N 8', connection()), false);
  });

  it('are drops of nobody, when somebody is asked for', () => {
    const nobody = dropped({ owner: { ...owner, pid: 0 } });
    assert.equal(is('tcpdrop', nobody), true);
    assert.equal(is('tcpdrop -p 42', nobody), false);
    assert.equal(is('tcpdrop -p 42', dropped()), true);
    assert.equal(is('tcpdrop -p 43', dropped()), false);
    assert.equal(is('tcpdrop --cgroup /a', nobody), false);
    assert.equal(is('tcpdrop -6', dropped()), false);
    assert.equal(is('tcpdrop --netns 8', dropped()), false);
  });
});

describe('counts', () => {
  it('are of so many at most; what made room is told', () => {
    const counts = new Counts<{ readonly name: string }>(2);
    for (const name of ['a', 'b', 'b', 'c', 'c', 'c']) counts.add(name, { name });
    assert.deepEqual(
      counts.sorted().map(({ of, count }) => [of.name, count]),
      [
        ['c', 3],
        ['b', 2],
      ],
    );
    assert.deepEqual(counts.notes(), ['1 more were counted, of addresses that made room for newer ones']);
  });
});
