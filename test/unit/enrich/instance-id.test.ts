/** Prometheus tells series apart by job and instance alone: no two resources at once have the same pair. */
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import type { Enricher } from '../../../receiver/enrich/enricher.ts';
import type { Granularity } from '../../../receiver/enrich/resources.ts';
import type { ObservedResource } from '../../../receiver/model/resource.ts';
import { enricher, host, owner } from '../host/proc-fixture.ts';
import { ProcFolder, type FakeProcess } from '../host/proc-folder.ts';

const UUID_5 = /^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const CONTAINERS = ['a1', 'b2'].map((id) => `/docker-${id.repeat(32)}.scope`);
const GRANULARITIES: readonly Granularity[] = ['auto', 'process', 'container', 'service'];
const DECLARED = { OTEL_SERVICE_NAME: 'shop', OTEL_RESOURCE_ATTRIBUTES: 'service.instance.id=one' };

function instanceOf({ attributes }: ObservedResource): string {
  return String(attributes['service.instance.id']);
}

describe('service.instance.id', () => {
  const proc = new ProcFolder();
  after(() => proc.remove());
  let last = 5_000;

  function start(process: Omit<FakeProcess, 'pid'> = {}): number {
    last += 1;
    proc.add({ pid: last, ...process });
    return last;
  }

  const create = (options: Parameters<typeof enricher>[0] = {}): Enricher =>
    enricher({ procRoot: proc.root, ...options });

  test('workers of one program are instances of one service', () => {
    const subject = create();
    const found = [start(), start(), start()].map((pid) => subject.resolve(owner(pid)));
    assert.deepEqual(new Set(found.map(({ attributes }) => attributes['service.name'])), new Set(['exe']));
    assert.equal(new Set(found.map(instanceOf)).size, 3);
    for (const each of found) assert.match(instanceOf(each), UUID_5);
  });

  test('stays when the agent is started again, also of another version, when the clock or the command has changed', () => {
    const pids = [start(), start({ environ: DECLARED }), start({ cgroup: CONTAINERS[0] ?? '' })];
    const before = create();
    const later = create({
      host: { ...host, version: '9.9.9', agentInstanceId: 'other', hostName: 'renamed' },
      bootToUnixNs: (ns) => 1_800_000_000_000_000_000n + ns,
    });
    for (const pid of pids) {
      const [one, two] = [before.resolve(owner(pid)), later.resolve(owner(pid, { command: 'renamed' }))];
      assert.equal(instanceOf(one), instanceOf(two));
    }
    assert.equal(instanceOf(before.host()), instanceOf(later.host()));
  });

  test('another start of the kernel, another host, and a pid that is given out again are others', () => {
    const pid = start();
    const others = [
      create().resolve(owner(pid)),
      create({ host: { ...host, bootId: 'next' } }).resolve(owner(pid)),
      create({ host: { ...host, hostId: 'e'.repeat(32) } }).resolve(owner(pid)),
      create().resolve(owner(pid, { startNs: owner(pid).startNs + 1_000_000_000n })),
    ];
    assert.equal(new Set(others.map(instanceOf)).size, others.length);
    const hosts = [host, { ...host, hostId: 'e'.repeat(32) }].map((each) => create({ host: each }).host());
    assert.notEqual(instanceOf(hosts[0] ?? create().host()), instanceOf(hosts[1] ?? create().host()));
  });

  test('a container whose processes say nothing is one instance', () => {
    const subject = create();
    const [one, two, other] = [CONTAINERS[0], CONTAINERS[0], CONTAINERS[1]].map((cgroup) =>
      instanceOf(subject.resolve(owner(start({ cgroup: cgroup ?? '' })))),
    );
    assert.equal(one, two);
    assert.notEqual(one, other);
  });

  test('what a process declares is kept', () => {
    assert.equal(instanceOf(create().resolve(owner(start({ environ: DECLARED })))), 'one');
  });

  test('an empty one, or an empty name, is none', () => {
    const environ = { OTEL_RESOURCE_ATTRIBUTES: 'service.instance.id=,service.name=,team=a' };
    const { attributes } = create().resolve(owner(start({ environ })));
    assert.match(String(attributes['service.instance.id']), UUID_5);
    assert.equal(attributes['service.name'], 'exe');
    assert.equal(attributes['team'], 'a');
  });

  for (const granularity of GRANULARITIES)
    test(`no two that are told apart share what they declare: ${granularity}`, () => {
      const subject = create({ granularity });
      const processes: Omit<FakeProcess, 'pid'>[] = [
        {},
        {},
        { users: [8, 8, 8] },
        { cgroup: CONTAINERS[0] ?? '' },
        { cgroup: CONTAINERS[1] ?? '' },
        { cgroup: CONTAINERS[1] ?? '' },
      ];
      const found = processes.map((process) =>
        subject.resolve(owner(start({ environ: DECLARED, ...process }))),
      );
      const resources = new Map(found.map((resource) => [resource.id, resource]));
      const keys = [...resources.values()].map(
        (each) => `${String(each.attributes['service.name'])} ${instanceOf(each)}`,
      );
      assert.equal(new Set(keys).size, resources.size);
      assert.equal(keys[0], 'shop one', 'the first that declared it has it');
    });

  test('is free again when who had it is gone', () => {
    let nowMs = 0;
    const subject = create({ now: () => nowMs });
    const [first, second] = [start({ environ: DECLARED }), start({ environ: DECLARED, users: [8, 8, 8] })];
    assert.equal(instanceOf(subject.resolve(owner(first))), 'one');
    subject.forget(owner(first));
    nowMs = 60_000;
    subject.sweep();
    assert.equal(instanceOf(subject.resolve(owner(second))), 'one');
  });
});
