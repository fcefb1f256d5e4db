/** Resources have a bound in number and in bytes; who lives gets its own when there is room again. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Enricher, EnricherOptions } from '../../../receiver/enrich/enricher.ts';
import type { ObservedResource } from '../../../receiver/model/resource.ts';
import { resourceBytes } from '../../../receiver/model/resource-bytes.ts';
import { enricher, owner } from '../host/proc-fixture.ts';
import { ProcFolder } from '../host/proc-folder.ts';

const MANY = 2_300;
const LIMIT = 2_000;

/** Some 126 KB, of a process's own. */
function largeEnvironment(pid: number): Record<string, string> {
  const list = Array.from({ length: 1_080 }, (_, index) => `key-${index}-${pid}=${'v'.repeat(100)}`);
  return { OTEL_SERVICE_NAME: `service-${pid}`, OTEL_RESOURCE_ATTRIBUTES: list.join(',') };
}

describe('room for resources', () => {
  let proc: ProcFolder;
  let nowMs = 0;
  let retired: string[];
  before(() => {
    proc = new ProcFolder();
  });
  after(() => proc.remove());

  function open(options: Partial<EnricherOptions> = {}): Enricher {
    nowMs = 0;
    retired = [];
    proc.remove();
    proc = new ProcFolder();
    const retire = (id: string): void => void retired.push(id);
    return enricher({ procRoot: proc.root, now: () => nowMs, retire, maxEntries: 10_000, ...options });
  }

  /** A process that lives. */
  function add(subject: Enricher, pid: number, environ: Record<string, string> = {}): ObservedResource {
    proc.add({ pid, environ });
    subject.observe(owner(pid));
    return subject.resolve(owner(pid));
  }

  const pidOf = (subject: Enricher, pid: number): unknown =>
    subject.resolve(owner(pid)).attributes['process.pid'];

  test('2,300 processes with 126 KB each keep 4 KB at most, and 4 MB in all', () => {
    const subject = open({ maxResources: LIMIT });
    const resources = new Map<string, ObservedResource>();
    for (let pid = 10_000; pid < 10_000 + MANY; pid += 1) {
      const resource = add(subject, pid, largeEnvironment(pid));
      resources.set(resource.id, resource);
      // It lives on; its 126 KB need not stay on this disk.
      proc.empty(pid);
    }
    const sizes = [...resources.values()].map(resourceBytes);
    assert.ok(Math.max(...sizes) <= 4_096, `${Math.max(...sizes)} bytes`);
    const whole = sizes.filter((size) => size > 2_900);
    const total = sizes.reduce((sum, size) => sum + size, 0);
    assert.ok(whole.length * 2_900 <= LIMIT * 2_048 && total <= LIMIT * 3_000, `${total} bytes`);
    const { workloads, reduced, folded, attributesCut } = subject.counters;
    assert.deepEqual(
      { workloads, reduced, folded, attributesCut },
      { workloads: LIMIT, reduced: LIMIT - whole.length, folded: MANY - LIMIT, attributesCut: MANY },
    );
    const named = [...resources.values()].filter(({ kind }) => kind === 'workload');
    assert.ok(named.every(({ attributes }) => String(attributes['service.name']).startsWith('service-1')));
  });

  test('what waits for an export has a bound of its own', () => {
    let exported = 5_000;
    const subject = open({ maxResources: 2, exportedBytes: () => exported });
    const environ = { OTEL_RESOURCE_ATTRIBUTES: 'service.name=shop,team=a' };
    assert.equal(add(subject, 1, environ).attributes['team'], undefined);
    assert.equal(subject.counters.reduced, 1);
    exported = 4_096;
    assert.equal(add(subject, 2, { OTEL_SERVICE_NAME: 'plain' }).attributes['service.name'], 'plain');
  });

  test('who was reduced gets its attributes when there is room for them', () => {
    const subject = open({ maxResources: 4 });
    const size = (pid: number): number => resourceBytes(subject.resolve(owner(pid)));
    for (const pid of [1, 2, 3]) add(subject, pid, largeEnvironment(pid));
    assert.deepEqual(
      [1, 2, 3].map((pid) => size(pid) > 2_900),
      [true, true, false],
    );
    const less = subject.resolve(owner(3)).id;
    subject.sweep();
    assert.ok(size(3) < 2_900);
    proc.end(1);
    subject.forget(owner(1));
    nowMs = 10_000;
    subject.sweep();
    assert.ok(size(3) > 2_900);
    assert.deepEqual(retired, [less]);
  });

  test('who ended is forgotten after a while, with its resource', () => {
    const subject = open();
    for (const pid of [1, 2, 3]) add(subject, pid);
    proc.end(1);
    subject.forget(owner(1));
    subject.sweep();
    assert.equal(subject.counters.workloads, 3);
    nowMs = 10_000;
    subject.sweep();
    const { workloads, processes } = subject.counters;
    assert.deepEqual([workloads, processes], [2, 2]);
  });

  test('who lives gets its own resource when others ended', () => {
    const subject = open({ maxResources: 3 });
    for (const pid of [1, 2, 3, 4, 5]) add(subject, pid);
    assert.equal(subject.resolve(owner(4)), subject.host());
    subject.sweep();
    assert.equal(subject.resolve(owner(4)), subject.host(), 'nobody ended');
    proc.end(2);
    subject.sweep();
    assert.equal(pidOf(subject, 4), 4, 'first who waits longest');
    assert.equal(subject.resolve(owner(5)), subject.host());
    assert.equal(subject.resolve(owner(2)), subject.host(), 'what is still to come of an ended process');
    assert.deepEqual([pidOf(subject, 1), pidOf(subject, 3)], [1, 3]);
    assert.equal(retired.length, 1);
    proc.end(3);
    subject.sweep();
    assert.equal(pidOf(subject, 5), 5);
    assert.equal(subject.counters.workloads, 3);
  });

  test('who comes while ended processes have all places gets one at once', () => {
    const subject = open({ maxResources: 3 });
    for (const pid of [1, 2, 3]) {
      add(subject, pid);
      proc.end(pid);
    }
    nowMs = 60_000;
    add(subject, 4);
    assert.equal(pidOf(subject, 4), 4);
    // An ended one takes no place from anybody.
    assert.equal(subject.resolve(owner(900)), subject.host());
  });

  test('who ended while it waited does not take a place', () => {
    const subject = open({ maxResources: 2 });
    for (const pid of [1, 2, 3, 4]) add(subject, pid);
    proc.end(3);
    proc.end(1);
    subject.sweep();
    assert.equal(subject.resolve(owner(3)), subject.host());
    assert.equal(pidOf(subject, 4), 4);
    assert.equal(subject.counters.workloads, 2);
  });

  test('a storm of ended processes, and those that live', () => {
    const subject = open({ maxResources: 50 });
    for (let pid = 1_000; pid < 1_300; pid += 1) {
      add(subject, pid);
      proc.end(pid);
    }
    const living = Array.from({ length: 40 }, (_, index) => 2_000 + index);
    for (const pid of living) add(subject, pid, { OTEL_SERVICE_NAME: `s${pid}` });
    subject.sweep();
    assert.deepEqual(
      living.filter((pid) => subject.resolve(owner(pid)).attributes['service.name'] !== `s${pid}`),
      [],
    );
    assert.ok(subject.counters.workloads <= 50);
  });

  test('two processes of one pid and one tick are two', () => {
    const subject = open();
    const first = owner(1, { startNs: owner(1).startNs + 1n, executable: 'first' });
    const second = owner(1, { startNs: owner(1).startNs + 2n, executable: 'second' });
    const names = [first, second, first].map((each) => subject.resolve(each).attributes['service.name']);
    assert.deepEqual(names, ['first', 'second', 'first']);
  });
});
