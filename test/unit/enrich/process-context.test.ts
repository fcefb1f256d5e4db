import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, describe, test } from 'node:test';
import type { Enricher, EnricherOptions } from '../../../receiver/enrich/enricher.ts';
import type { Owner } from '../../../receiver/model/resource.ts';
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

  test('is found with a later look when it was being written at the first', async () => {
    const late = new ContextPublisher(cleanup);
    await late.publish({ payload, time: 0 });
    const [of, other] = [ownerOf(late.pid), await published()];
    const subject = subjectOf();
    subject.observe(of);
    // They are read one after the other.
    await waitFor('the first look', () => nameOf(subject, other) === NAMES['service.name']);
    assert.notEqual(nameOf(subject, of), NAMES['service.name']);
    await late.publish({ payload, again: true });
    await waitFor('its name', () => {
      subject.sweep();
      return nameOf(subject, of) === NAMES['service.name'];
    });
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

  test('is called by its new name when it changes it', async () => {
    const publisher = new ContextPublisher(cleanup);
    await publisher.publish({ payload });
    const of = ownerOf(publisher.pid);
    let nowMs = 0;
    const subject = subjectOf({ now: () => nowMs });
    await waitFor('its name', () => nameOf(subject, of) === NAMES['service.name']);
    const renamed = contextPayload({ 'service.name': 'renamed' });
    await publisher.publish({ payload: renamed, time: 0, again: true });
    nowMs += 15_000;
    subject.sweep();
    const other = await published();
    await waitFor('a later one', () => nameOf(subject, other) === NAMES['service.name']);
    assert.equal(nameOf(subject, of), NAMES['service.name'], 'it is being written');
    await publisher.publish({ payload: renamed, time: 2, again: true });
    await waitFor('its new name', () => {
      subject.sweep();
      return nameOf(subject, of) === 'renamed';
    });
    assert.notEqual(subject.resolve(of).attributes['service.instance.id'], 'one');
  });

  test('publishes more than a resource takes: it is cut, which is counted', async () => {
    const publisher = new ContextPublisher(cleanup);
    const many = Array.from(
      { length: 9 },
      (_, index) => [`key.${String(index)}`, 'v'.repeat(1_000)] as const,
    );
    await publisher.publish({
      payload: contextPayload(Object.fromEntries([...many, ['service.name', 'last'] as const])),
    });
    const of = ownerOf(publisher.pid);
    const subject = subjectOf();
    await waitFor('its name', () => nameOf(subject, of) === 'last');
    const bytes = Object.entries(subject.resolve(of).attributes)
      .filter(([key]) => key.startsWith('key.'))
      .reduce((sum, [, value]) => sum + String(value).length, 0);
    assert.deepEqual([bytes, subject.counters.attributesCut], [2_000, 1]);
  });
});
