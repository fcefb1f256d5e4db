import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { enricher, owner, procRoot } from '../host/proc-fixture.ts';

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
