import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ContextLook, Publication } from '../../../receiver/host/process-context.ts';
import { ProcessContexts, type ProcessContextsOptions } from '../../../receiver/host/process-contexts.ts';
import type { Owner } from '../../../receiver/model/resource.ts';
import { waitFor } from '../../support/wait.ts';
import { owner } from './proc-fixture.ts';

const HOUR_MS = 3_600_000;

function publication(name: string): Publication {
  return { address: 0n, header: Buffer.alloc(32), context: new Map([['service.name', name]]) };
}

/** Looks at processes, with a clock of its own. */
class Subject {
  nowMs = 0;
  /** What a read finds, by pid; a function is called. */
  readonly looks = new Map<number, ContextLook | (() => Promise<ContextLook>)>();
  readonly reads: number[] = [];
  readonly found: string[] = [];
  readonly rests: number[] = [];
  readonly contexts: ProcessContexts;

  constructor(options: Partial<ProcessContextsOptions> = {}) {
    this.contexts = new ProcessContexts({
      procRoot: '/nowhere',
      isAlive: () => true,
      found: ({ pid }, context) => this.found.push(`${String(pid)} ${context.get('service.name') ?? ''}`),
      now: () => this.nowMs,
      read: async (_root, pid) => {
        this.reads.push(pid);
        const look = this.looks.get(pid) ?? 'none';
        return typeof look === 'function' ? look() : look;
      },
      rest: (ms) => Promise.resolve(this.rests.push(ms)),
      ...options,
    });
  }

  /** Sweeps every second for so long, and waits until nothing is read any more. */
  async pass(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += 1_000) {
      this.nowMs += 1_000;
      this.contexts.sweep();
      await this.settle();
    }
  }

  async settle(): Promise<void> {
    for (let reads = -1; reads !== this.reads.length;) {
      reads = this.reads.length;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

describe('looks for what processes publish', () => {
  test('are at once, then more and more seldom, until one finds it', async () => {
    const subject = new Subject();
    subject.contexts.watch(owner(1));
    await subject.settle();
    const counts = [subject.reads.length];
    for (const ms of [4_000, 1_000, 15_000, 60_000, 300_000, 300_000]) {
      await subject.pass(ms);
      counts.push(subject.reads.length);
    }
    assert.deepEqual(counts, [1, 1, 2, 3, 4, 5, 6]);
    subject.looks.set(1, publication('late'));
    await subject.pass(300_000);
    assert.deepEqual(subject.found, ['1 late']);
  });

  test('are every 15 s when it is known, and tell what is new', async () => {
    const subject = new Subject();
    subject.looks.set(1, publication('one'));
    subject.contexts.watch(owner(1));
    await subject.settle();
    subject.looks.set(1, 'same');
    await subject.pass(60_000);
    assert.equal(subject.reads.length, 1 + 4);
    subject.looks.set(1, publication('two'));
    await subject.pass(15_000);
    assert.deepEqual(subject.found, ['1 one', '1 two']);
  });

  test('are at the next sweep while it is being written', async () => {
    const subject = new Subject();
    subject.looks.set(1, 'changing');
    subject.contexts.watch(owner(1));
    await subject.settle();
    await subject.pass(3_000);
    assert.equal(subject.reads.length, 1 + 3);
  });

  for (const look of ['long', 'denied'] as const)
    test(`are no more after one that was ${look}, which is counted`, async () => {
      const subject = new Subject();
      subject.looks.set(1, look);
      subject.contexts.watch(owner(1));
      await subject.pass(HOUR_MS);
      assert.deepEqual([subject.reads, subject.contexts.counters[look]], [[1], 1]);
    });

  test('are no more when the process ended', async () => {
    const subject = new Subject();
    subject.contexts.watch(owner(1));
    await subject.settle();
    subject.contexts.forget(owner(1));
    await subject.pass(HOUR_MS);
    assert.deepEqual(subject.reads, [1]);
  });

  test('tell nothing of a process that was another one after the read', async () => {
    let asked = 0;
    const subject = new Subject({ isAlive: () => (asked += 1) === 1 });
    subject.looks.set(1, publication('of another'));
    subject.contexts.watch(owner(1));
    await subject.pass(HOUR_MS);
    assert.deepEqual([subject.reads, subject.found, asked], [[1], [], 2]);
  });

  test('are of 10,000 processes, 256 a sweep; more are counted', async () => {
    const subject = new Subject();
    for (let pid = 1; pid <= 10_003; pid += 1) subject.contexts.watch(owner(pid));
    assert.equal(subject.contexts.counters.unwatched, 3);
    await subject.settle();
    const first = subject.reads.length;
    // One is read at once, and makes room for another.
    assert.ok(first === 256 || first === 257, String(first));
    subject.nowMs += 1;
    subject.contexts.sweep();
    await subject.settle();
    assert.ok(subject.reads.length <= first + 257, String(subject.reads.length));
    for (let sweep = 0; sweep < 40; sweep += 1) {
      subject.contexts.sweep();
      await subject.settle();
    }
    assert.equal(new Set(subject.reads).size, 10_000);
  });

  test('rest 49 times as long as they took', async () => {
    const subject = new Subject();
    subject.looks.set(1, () => {
      subject.nowMs += 3;
      return Promise.resolve('none');
    });
    subject.contexts.watch(owner(1));
    subject.contexts.watch(owner(2));
    await subject.settle();
    assert.deepEqual(subject.rests, [3 * 49, 0]);
  });

  test('wait for one that does not end, and go on when it did', async () => {
    const subject = new Subject({ patienceMs: 1 });
    let end: (look: ContextLook) => void = () => assert.fail('it was not read');
    subject.looks.set(1, () => new Promise((resolve) => (end = resolve)));
    subject.looks.set(2, publication('two'));
    const owners: Owner[] = [owner(1), owner(2)];
    for (const one of owners) subject.contexts.watch(one);
    await waitFor('it to be counted', () => subject.contexts.counters.stuck === 1);
    subject.contexts.sweep();
    assert.deepEqual(subject.reads, [1]);
    end(publication('one'));
    await subject.settle();
    assert.deepEqual(subject.found, ['1 one', '2 two']);
  });
});

describe('looks for where threads publish', () => {
  const layout = { offset: -8n, module: 0, vector: 0, length: 0, stride: 0 };
  const schemaOf = (version: string): Publication => ({ ...publication('a'), threadSchema: { version } });

  /** Looks that find a layout at this one, if any; how many there were, and what was found. */
  async function play(
    schema: string,
    foundAt: number,
  ): Promise<{ subject: Subject; looks: number; added: number }> {
    let [looks, added] = [0, 0];
    const subject = new Subject({
      threads: { unheld: 0, add: () => (added += 1), remove: () => undefined },
      readLayout: () => Promise.resolve((looks += 1) === foundAt ? layout : 'unresolved'),
    });
    subject.looks.set(1, schemaOf(schema));
    subject.contexts.watch(owner(1), false);
    await subject.settle();
    subject.looks.set(1, 'same');
    await subject.pass(HOUR_MS / 4);
    assert.deepEqual(subject.found, []);
    return { subject, looks, added };
  }

  test('go on until one finds it', async () => {
    const { subject, looks, added } = await play('tlsdesc_v1_dev', 3);
    assert.deepEqual([looks, added, subject.contexts.counters.unresolved], [3, 1, 2]);
  });

  test('end at last, and are not made for a schema that is not known', async () => {
    const { subject, looks, added } = await play('tlsdesc_v1_dev', 99);
    assert.deepEqual([looks, added, subject.contexts.counters.unresolved], [8, 0, 8]);
    const unknown = await play('nodejs_v9', 1);
    assert.deepEqual([unknown.looks, unknown.added, unknown.subject.contexts.counters.schemas], [0, 0, 1]);
  });
});
