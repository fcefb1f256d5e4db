import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { kernelOptionsOf } from '../../../receiver/settings/kernel.ts';
import { readRoom, roomProblem, type Room } from '../../../receiver/host/limits.ts';
import { load } from '../config/sources.ts';

const GIB = 2 ** 30;
const ROOM: Room = { openFiles: 1024, memoryBytes: 2 * GIB };

function problemOf(argv: readonly string[], room: Partial<Room> = {}): string | undefined {
  return roomProblem(kernelOptionsOf(load({ argv })), { ...ROOM, ...room });
}

describe('what the settings ask for', () => {
  it('can be had by default, in little memory too', () =>
    assert.equal(problemOf([], { openFiles: 256, memoryBytes: 150e6 }), undefined));

  it('is refused with the setting to lower, when the kernel maps are larger than the memory', () => {
    const settings: Readonly<Record<string, string>> = {
      'bpf.max_series': '4194304',
      'bpf.max_owners': '4194304',
      'bpf.ring_buffer_size': '1GiB',
    };
    for (const [key, value] of Object.entries(settings)) {
      const problem = problemOf([`--${key}=${value}`], { memoryBytes: GIB / 4 }) ?? '';
      assert.match(problem, /^The kernel maps .* this process can have 256 MiB: lower /);
      assert.ok(problem.includes(`lower ${key} (`), problem);
      assert.ok(!problem.includes('\n'));
    }
    assert.equal(problemOf(['--bpf.max_series=4194304'], { memoryBytes: 64 * GIB }), undefined);
  });

  it('is refused when too few files may be open', () => {
    assert.match(problemOf([], { openFiles: 40 }) ?? '', /may have 40 files open.*needs 256.*LimitNOFILE=/);
    assert.equal(problemOf([], { openFiles: Infinity }), undefined);
  });
});

describe('what there is', () => {
  const files: Readonly<Record<string, string>> = {
    '/proc/self/limits':
      'Limit  Soft Limit  Hard Limit  Units\nMax processes  100  100  processes\nMax open files            512                  4096                 files\n',
    '/proc/meminfo': 'MemTotal:       16000000 kB\nMemFree:  1 kB\n',
    '/proc/self/cgroup': '1:name=systemd:/x\n0::/pod/agent\n',
    '/sys/fs/cgroup/pod/memory.max': '157286400\n',
    '/sys/fs/cgroup/pod/agent/memory.max': 'max\n',
  };
  const read = (path: string): string => {
    const text = files[path];
    if (text === undefined) throw new Error(`no ${path}`);
    return text;
  };

  it('is the limit of the process, and the least memory of the groups around it', () =>
    assert.deepEqual(readRoom(read), { openFiles: 512, memoryBytes: 157286400 }));
  it('has no limit where none can be read', () => {
    const nothing = (): string => {
      throw new Error('nothing');
    };
    assert.deepEqual(readRoom(nothing), { openFiles: Infinity, memoryBytes: Infinity });
  });
  it('can be read here', () => {
    const { openFiles, memoryBytes } = readRoom();
    assert.ok(openFiles > 0 && memoryBytes > 0 && Number.isFinite(memoryBytes));
  });
});
