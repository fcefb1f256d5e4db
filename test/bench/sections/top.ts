import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { FullScreen } from '../../../receiver/cli/full-screen.ts';
import type { ConnectionRecord } from '../../../receiver/model/record.ts';
import { optionsOf } from '../../../receiver/views/help.ts';
import { parseViewArguments } from '../../../receiver/views/options.ts';
import { top as view } from '../../../receiver/views/top/top.ts';
import { MAX_REMEMBERED, type ViewTools } from '../../../receiver/views/view.ts';
import { agentArgs, cleanEnvironment, NODE_OPTIONS } from '../../support/agent.ts';
import { connection, owner } from '../../support/correlation.ts';
import { waitFor } from '../../support/wait.ts';
import { hold } from '../load.ts';
import { readCpu, readRssMb } from '../proc-stats.ts';
import { format, heading, note, row } from '../report.ts';
import type { Section } from './section.ts';

const CONNECTIONS = 10_000;
const SIZE = { columns: 200, rows: 50 };
const NS_PER_SECOND = 1_000_000_000n;

/** `wirespan top` with 10,000 connections: one redraw, and the whole command. */
export const top: Section = {
  name: 'top',
  what: 'wirespan top with 10,000 connections: processor time of a redraw, and of the command',
  async run({ isQuick }) {
    heading(`wirespan top, ${format(CONNECTIONS, 0)} connections, ${SIZE.columns}x${SIZE.rows}`);
    await measureRedraws(isQuick ? 10 : 50);
    await measureCommand(isQuick ? 10 : 30);
  },
};

/** One that moved something since the last time, as all others did. */
function moved(index: number, interval: number): ConnectionRecord {
  return connection({
    ...{ kind: 'live', state: 'established', cookie: BigInt(index), segmentsRetransmitted: index % 7 },
    owner: { ...owner, pid: 1_000 + (index % 500) },
    bytesSent: BigInt((interval + 1) * ((index * 7_919) % 100_003)),
    bytesReceived: BigInt(interval * index),
  });
}

/** All of them move something in each interval, in this process: model, sorting, frame, and codes for the terminal. */
async function measureRedraws(count: number): Promise<void> {
  let bytes = 0;
  const write = (text: string): boolean => {
    bytes += Buffer.byteLength(text);
    return true;
  };
  const screen = new FullScreen({
    ...{ stdout: { write, isBusy: false }, hasColours: true, sizeNow: () => SIZE },
    env: { TERM: 'xterm', LANG: 'C.UTF-8' },
  });
  const tools: ViewTools = {
    names: { dropReason: () => '', resetReason: () => undefined, functionAt: () => undefined },
    ...{ toUnixNs: (ns: bigint) => ns, maxRemembered: MAX_REMEMBERED, isTerminal: true },
    ...{ loads: () => [], screen },
  };
  const run = view.start(parseViewArguments(view.name, optionsOf(view), []), tools);
  run.begin?.();
  const times: { readonly take: number[]; readonly draw: number[] } = { take: [], draw: [] };
  try {
    for (let interval = 0; interval < count + 5; interval += 1) {
      const records = Array.from({ length: CONNECTIONS }, (_, index) => moved(index, interval));
      const [take, draw] = [
        cpuOf(() => records.forEach((record) => void run.row(record))),
        cpuOf(() => void run.interval?.([], BigInt(interval + 100) * NS_PER_SECOND, [])),
      ];
      // The first ones are those of a compiler at work.
      if (interval < 5) bytes = 0;
      else {
        times.take.push(take);
        times.draw.push(draw);
      }
      await sleep(1);
    }
  } finally {
    run.close?.();
  }
  row('a redraw, when all of them moved something', 'ms', times.draw, { digits: 1, aim: '≤ 50' });
  row('… and what they moved, taken before it', 'ms', times.take, { digits: 1 });
  note(`${format(bytes / count, 0)} bytes for the terminal each time`);
}

function cpuOf(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

/** The command on a terminal that `script` of util-linux gives it, with as many connections that are quiet. */
async function measureCommand(seconds: number): Promise<void> {
  const held = await hold(CONNECTIONS / 2);
  const words = [process.execPath, ...agentArgs('top')].map((word) => `'${word}'`).join(' ');
  const line = `stty rows ${SIZE.rows} cols ${SIZE.columns}; echo "pid $$ "; exec ${words}`;
  const child = spawn('script', ['-qfec', line, '/dev/null'], {
    env: cleanEnvironment({ ...NODE_OPTIONS.environment, TERM: 'xterm', LANG: 'C.UTF-8' }),
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = new Promise((resolve) => child.once('close', resolve));
  try {
    let shown = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (shown = (shown + text).slice(-100_000)));
    let pid = 0;
    await waitFor('wirespan top to show them', () => {
      pid ||= Number(/pid (\d+) /.exec(shown)?.[1] ?? 0);
      return pid > 0 && /connections (?:\d{5}|[1-9]\d*k)/.test(shown);
    });
    // What is compiled and told at the beginning is not what it costs from then on.
    await sleep(5_000);
    const before = readCpu(pid).totalMs;
    await sleep(seconds * 1_000);
    const share = ((readCpu(pid).totalMs - before) / (seconds * 1_000)) * 100;
    row('the command, a redraw a second, quiet connections', '% of a core', [share], {
      digits: 1,
      aim: '≤ 5',
    });
    row('resident memory', 'MB', [readRssMb(pid)], { digits: 0 });
    child.stdin.write('q');
    await ended;
  } finally {
    child.kill('SIGTERM');
    await held.release();
  }
}
