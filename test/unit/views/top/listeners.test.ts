/** Listeners and containers on the screen of `wirespan top`. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ListenerFigures } from '../../../../receiver/model/listener-figures.ts';
import { optionsOf } from '../../../../receiver/views/help.ts';
import { parseViewArguments } from '../../../../receiver/views/options.ts';
import { top } from '../../../../receiver/views/top/top.ts';
import type { ViewTools } from '../../../../receiver/views/view.ts';
import { connection, owner, second } from '../../../support/correlation.ts';
import { FakeScreen } from './fake.ts';

const ID = 'abcdef0123456789'.repeat(4);
const listening = (port: number, queued: number, more: Partial<ListenerFigures> = {}): ListenerFigures => ({
  ...{ id: String(port), owner, family: 4, address: '0.0.0.0', port, netns: 7, sockets: 1 },
  ...{ queued, limit: 128, drops: 0, ...more },
});

function start(cgroupOf: ViewTools['cgroupOf'] = () => undefined) {
  const screen = new FakeScreen();
  const tools: ViewTools = {
    names: { dropReason: () => '', resetReason: () => undefined, functionAt: () => undefined },
    ...{ toUnixNs: (ns: bigint) => ns, maxRemembered: 100, isTerminal: true, loads: () => [], screen },
    ...(cgroupOf !== undefined && { cgroupOf }),
  };
  const run = top.start(parseViewArguments('top', optionsOf(top), []), tools);
  run.begin?.();
  let nowNs = 100n * second;
  const next = (...listeners: readonly ListenerFigures[]): void =>
    void run.interval?.([], (nowNs += second), [], listeners);
  return { screen, run, next };
}

describe('listeners', () => {
  it('are those of the last interval, the fullest queue first, with how full it was', () => {
    const { screen, next } = start();
    screen.press('4');
    next(listening(80, 1), listening(443, 0, { drops: 5 }));
    next(listening(80, 2), listening(443, 4, { drops: 5 }), listening(22, 3));
    assert.deepEqual(screen.lines.slice(2, 6), [
      '    PID COMMAND    LOCAL           QUEUEv  LIMIT  DROPS   QUEUES SOCKETS',
      '     42 app        0.0.0.0:443          4    128      5        █       1',
      '     42 app        0.0.0.0:22           3    128      0        █       1',
      '     42 app        0.0.0.0:80           2    128      0       ▄█       1',
    ]);
    next(listening(22, 0));
    assert.equal(screen.lines.filter((line) => line.includes('0.0.0.0')).length, 1);
    screen.press('ENTER');
    assert.match(screen.lines.join('\n'), /^Accept queue +0 of 128$/m);
  });
});

describe('containers', () => {
  it('are told apart by their id, else by the control group, and have the processes in them', () => {
    const { screen, run, next } = start(({ pid }) => ({
      path: pid < 10 ? `/docker-${ID}.scope` : '/system.slice/nginx.service',
      containerId: pid < 10 ? ID : undefined,
    }));
    for (const pid of [1, 2, 11])
      run.row(
        connection({
          ...{ kind: 'live', state: 'established', cookie: BigInt(pid) },
          ...{ owner: { ...owner, pid }, bytesSent: BigInt(pid * 1_000), bytesReceived: 0n },
        }),
      );
    next();
    screen.press('3');
    const [first, then] = screen.lines.slice(3);
    assert.match(first ?? '', /^…ice\/nginx\.service +1 +1 +10\.7K /);
    assert.match(then ?? '', /^abcdef012345 +2 +2 +2\.9K /);
    screen.press('END', 'ENTER');
    const detail = screen.lines.join('\n');
    assert.match(detail, new RegExp(`^Container +${ID}$`, 'm'));
    assert.match(detail, /^Processes +2 with connections/m);
  });
});
