import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createEnricher, type Enricher, type EnricherOptions } from '../../../receiver/enrich/enricher.ts';
import type { Owner } from '../../../receiver/model.ts';

const procRoot = join(import.meta.dirname, '../../fixtures/proc');
const startNs = 50_000_000_000n;
const host = {
  hostId: 'f'.repeat(32),
  hostName: 'node-1',
  hostArch: 'amd64',
  agentInstanceId: 'i',
  version: '0.1.0',
};

function owner(pid: number, more: Partial<Owner> = {}): Owner {
  return { pid, startNs: startNs + 7n, command: 'comm', executable: 'exe', cgroupId: 0n, netns: 1, ...more };
}

function enricher(options: Partial<EnricherOptions> = {}): Enricher {
  return createEnricher({
    procRoot,
    host,
    granularity: 'auto',
    maxEntries: 100,
    bootToUnixNs: (ns) => 1_700_000_000_000_000_000n + ns,
    now: () => 0,
    ...options,
  });
}

test('a process that ended before a collection met it is folded when asked for, one that lived is not', () => {
  const root = mkdtempSync(join(tmpdir(), 'proc-'));
  try {
    for (const pid of ['101', '107']) cpSync(join(procRoot, pid), join(root, pid), { recursive: true });
    const subject = enricher({ procRoot: root, foldShortLived: true, granularity: 'process' });
    const [lives, inContainer, gone] = [107, 101, 1_000].map((pid) => subject.resolve(owner(pid)));
    assert.ok(lives && inContainer && gone);
    assert.equal(subject.foldOf(lives), undefined);
    rmSync(join(root, '107'), { recursive: true });
    rmSync(join(root, '101'), { recursive: true });
    assert.equal(subject.foldOf(lives), undefined, 'a collection met it alive');
    assert.equal(subject.foldOf(gone), subject.host());
    const folded = subject.foldOf(inContainer)?.attributes;
    assert.deepEqual([folded?.['container.id'], folded?.['process.pid']], ['a1'.repeat(32), undefined]);
    assert.equal(subject.counters.shortLived, 2);
    assert.equal(subject.foldOf(subject.host()), undefined);
  } finally {
    rmSync(root, { recursive: true });
  }
});

test('a service is no process of its own, and by default nothing is folded', () => {
  const folding = enricher({ foldShortLived: true, procRoot: '/nonexistent' });
  const service = enricher().resolve(owner(105));
  assert.equal(folding.foldOf(service), undefined);
  const subject = enricher();
  assert.equal(subject.foldOf(subject.resolve(owner(1_000))), undefined);
  assert.equal(subject.counters.shortLived, 0);
});
