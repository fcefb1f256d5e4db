import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, describe, test } from 'node:test';
import type { Enricher, EnricherOptions } from '../../../receiver/enrich/enricher.ts';
import type { Owner } from '../../../receiver/model/resource.ts';
import { ProcessContexts } from '../../../receiver/host/process-contexts.ts';
import { Cleanup } from '../../support/cleanup.ts';
import { contextPayload, ContextPublisher } from '../../support/context-publisher.ts';
import { waitFor } from '../../support/wait.ts';
import { enricher, owner } from '../host/proc-fixture.ts';

const NAMES = {
  'service.name': 'named in code',
  'service.instance.id': 'one',
  'host.name': 'forged',
  'telemetry.sdk.name': 'forged',
};
const payload = contextPayload(NAMES);

/** As the kernel has it; `/proc` counts in ticks of 10 ms. */
function ownerOf(pid: number): Owner {
  const [, ticks = ''] = /\) (?:\S+ ){19}(\d+)/.exec(readFileSync(`/proc/${pid}/stat`, 'latin1')) ?? [];
  return owner(pid, { startNs: BigInt(ticks) * 10_000_000n, executable: '' });
}

describe('a process that publishes its names', () => {
  const cleanup = new Cleanup();
  after(() => cleanup.run());

  const subjectOf = (options: Partial<EnricherOptions> = {}): Enricher =>
    enricher({ procRoot: '/proc', readsContexts: true, ...options });

  const nameOf = (subject: Enricher, of: Owner): unknown => subject.resolve(of).attributes['service.name'];

  async function published(environment: Readonly<Record<string, string>> = {}): Promise<Owner> {
    const publisher = new ContextPublisher(cleanup, environment);
    await publisher.publish({ payload });
    return ownerOf(publisher.pid);
  }

  test('is called so, with what is not observed', async () => {
    const of = await published();
    const retired: string[] = [];
    const subject = subjectOf({ retire: (id) => retired.push(id) });
    const before = subject.resolve(of);
    await waitFor('its name', () => nameOf(subject, of) === NAMES['service.name']);
    const { attributes } = subject.resolve(of);
    assert.equal(attributes['service.instance.id'], 'one');
    assert.equal(attributes['host.name'], 'node-1');
    assert.equal(attributes['telemetry.sdk.name'], undefined);
    assert.deepEqual(retired, [before.id]);
    assert.equal(subject.counters.workloads, 1);
  });

  test('is found with the second look when it began late', async () => {
    const late = new ContextPublisher(cleanup);
    await late.publish({ payload, time: 0 });
    const [of, other] = [ownerOf(late.pid), await published()];
    const subject = subjectOf();
    subject.observe(of);
    // They are read one after the other.
    await waitFor('the first look', () => nameOf(subject, other) === NAMES['service.name']);
    assert.notEqual(nameOf(subject, of), NAMES['service.name']);
    await late.publish({ payload, again: true });
    subject.sweep();
    await waitFor('its name', () => nameOf(subject, of) === NAMES['service.name']);
  });

  test('is called as its environment says, and is not read then', async () => {
    for (const environment of [
      { OTEL_SERVICE_NAME: 'declared' },
      { OTEL_RESOURCE_ATTRIBUTES: 'service.name=declared' },
    ]) {
      const [of, other] = [await published(environment), await published()];
      const subject = subjectOf();
      subject.observe(of);
      await waitFor('a later one', () => nameOf(subject, other) === NAMES['service.name']);
      assert.equal(nameOf(subject, of), 'declared');
      assert.notEqual(subject.resolve(of).attributes['service.instance.id'], 'one');
    }
  });

  test('keeps what else its environment says', async () => {
    const of = await published({ OTEL_RESOURCE_ATTRIBUTES: 'service.instance.id=two,team=a' });
    const subject = subjectOf();
    await waitFor('its name', () => nameOf(subject, of) === NAMES['service.name']);
    const { attributes } = subject.resolve(of);
    assert.deepEqual([attributes['service.instance.id'], attributes['team']], ['two', 'a']);
  });

  test('is not read when that is off', async () => {
    const of = await published();
    const [off, on] = [subjectOf({ readsContexts: false }), subjectOf()];
    off.observe(of);
    await waitFor('its name', () => nameOf(on, of) === NAMES['service.name']);
    off.sweep();
    assert.notEqual(nameOf(off, of), NAMES['service.name']);
  });

  test('waits among 256 at most, what is more is counted and asked once more', async () => {
    const of = await published();
    const found: number[] = [];
    const contexts = new ProcessContexts({
      procRoot: '/proc',
      isAlive: () => true,
      found: ({ pid }) => found.push(pid),
    });
    // One is read at once.
    for (let i = 0; i < 300; i += 1) contexts.ask(owner(2 ** 22 + 1 + i));
    contexts.ask(of);
    assert.equal(contexts.skipped, 301 - 257);
    await waitFor('its name', () => {
      contexts.askAgain();
      return found.includes(of.pid);
    });
  });

  test('is the last one that is read when a read does not end', async () => {
    let reads = 0;
    const contexts = new ProcessContexts({
      procRoot: '/proc',
      isAlive: () => true,
      found: () => assert.fail('nothing was read'),
      patienceMs: 1,
      read: () => new Promise(() => (reads += 1)),
    });
    for (let i = 0; i < 3; i += 1) contexts.ask(owner(i + 1));
    // Two that waited.
    await waitFor('the read to be given up', () => contexts.skipped === 2);
    contexts.ask(owner(4));
    assert.deepEqual([contexts.skipped, reads], [3, 1]);
  });

  test('that is not the one meant any more has no name of this one', async () => {
    const of = await published();
    const found: Owner[] = [];
    let asked = 0;
    const contexts = new ProcessContexts({
      procRoot: '/proc',
      isAlive: () => (asked += 1) === 1,
      found: (one) => found.push(one),
    });
    contexts.ask(of);
    await waitFor('the look', () => asked === 2);
    assert.deepEqual(found, []);
  });
});
