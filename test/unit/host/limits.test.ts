import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readLimits } from '../../../receiver/host/limits.ts';

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
    assert.deepEqual(readLimits(read), { openFiles: 512, memoryBytes: 157286400 }));
  it('has no limit where none can be read', () => {
    const nothing = (): string => {
      throw new Error('nothing');
    };
    assert.deepEqual(readLimits(nothing), { openFiles: Infinity, memoryBytes: Infinity });
  });
  it('can be read here', () => {
    const { openFiles, memoryBytes } = readLimits();
    assert.ok(openFiles > 0 && memoryBytes > 0 && Number.isFinite(memoryBytes));
  });
});
