import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';

const project = join(import.meta.dirname, '..', '..');
const folder = mkdtempSync(join(tmpdir(), 'wirespan-cells-'));
after(() => rmSync(folder, { recursive: true, force: true }));

interface BtfType {
  readonly id: number;
  readonly kind: string;
  readonly name: string;
  readonly type_id?: number;
  readonly nr_elems?: number;
  readonly members?: readonly { readonly name: string; readonly type_id: number }[];
}

/** Each histogram of the kernel, with the bounds of the registry that it counts by. */
const HISTOGRAMS: readonly (readonly [struct: string, member: string, bounds: string])[] = [
  ['series', 'handshake', 'TCP_HANDSHAKE_DURATION'],
  ['series', 'duration', 'TCP_CONNECTION_DURATION'],
  ['series', 'rtt', 'TCP_RTT'],
  ['series', 'rtt_variation', 'TCP_RTT_VARIATION'],
  ['series', 'size_sent', 'TCP_CONNECTION_TRANSFER_SIZE'],
  ['series', 'size_received', 'TCP_CONNECTION_TRANSFER_SIZE'],
  ['listener', 'utilization', 'TCP_ACCEPT_QUEUE_UTILIZATION'],
  ['listener', 'accept_wait', 'TCP_ACCEPT_QUEUE_DURATION'],
  ['state_sums', 'duration', 'TCP_STATE_DURATION'],
  ['receive_sums', 'wait', 'TCP_RECEIVE_QUEUE_DURATION'],
  ['wakeup_sums', 'wake', 'TCP_WAKEUP_DURATION'],
  ['wakeup_sums', 'run', 'TCP_WAKEUP_DURATION'],
  ['softirq_sums', 'duration', 'SOFTIRQ_DURATION'],
  ['softirq_sums', 'wait', 'SOFTIRQ_WAIT_DURATION'],
];

/** What the registry would make of one bound more, above the last, in every histogram. */
function withOneBoundMore(header: string): string {
  return header
    .replace(/^#define (BOUNDS_\w+_LEN) (\d+)$/gm, (_, name: string, count: string) => {
      return `#define ${name} ${String(Number(count) + 1)}`;
    })
    .replace(/,\n\};/g, ',\n\t1000000000000000ULL,\n};');
}

function lengths(header: string): Map<string, number> {
  return new Map(
    [...header.matchAll(/^#define BOUNDS_(\w+)_LEN (\d+)$/gm)].map(([, name = '', count]) => [
      name,
      Number(count),
    ]),
  );
}

/** How many cells each histogram of an object has. */
function cellsOf(object: string): Map<string, number | undefined> {
  const dump = execFileSync('bpftool', ['-j', 'btf', 'dump', 'file', object], {
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  });
  const { types } = JSON.parse(dump) as { types: BtfType[] };
  return new Map(
    HISTOGRAMS.map(([struct, member]) => {
      const type = types.find(({ kind, name }) => kind === 'STRUCT' && name === struct);
      const id = type?.members?.find(({ name }) => name === member)?.type_id;
      return [`${struct}.${member}`, types.find((each) => each.id === id)?.nr_elems];
    }),
  );
}

/** A bucket for each bound, one for what is above the last, and the sum. */
function expectedCells(header: string): Map<string, number> {
  const bounds = lengths(header);
  return new Map(
    HISTOGRAMS.map(([struct, member, name]) => [`${struct}.${member}`, (bounds.get(name) ?? NaN) + 2]),
  );
}

describe('cells of the histograms in the kernel', () => {
  const header = readFileSync(join(project, 'bpf/generated/bounds.h'), 'utf8');

  test('every bounds of the registry has its histogram here', () => {
    const named = new Set(HISTOGRAMS.map(([, , bounds]) => bounds));
    assert.deepEqual([...lengths(header).keys()].toSorted(), [...named].toSorted());
  });

  test('as many as the bounds of the registry need', () => {
    assert.deepEqual(cellsOf(join(project, 'build/bpf/wirespan.bpf.o')), expectedCells(header));
  });

  test('a bound more in the registry is a bucket more, and none loses its top one', () => {
    cpSync(join(project, 'bpf'), join(folder, 'bpf'), { recursive: true });
    const grown = withOneBoundMore(header);
    writeFileSync(join(folder, 'bpf/generated/bounds.h'), grown);
    execFileSync('make', ['-C', join(folder, 'bpf')], { stdio: 'pipe' });
    assert.equal(lengths(grown).get('TCP_RTT'), (lengths(header).get('TCP_RTT') ?? NaN) + 1);
    assert.deepEqual(cellsOf(join(folder, 'build/bpf/wirespan.bpf.o')), expectedCells(grown));
  });
});
