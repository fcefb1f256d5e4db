/** A process whose environment was wiped, but which publishes its names in its memory (OTEP 4719). */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Cleanup } from '../support/cleanup.ts';
import { contextPayload, ContextPublisher } from '../support/context-publisher.ts';
import { OPENED, observeNamed } from './named-service.ts';
import type { Output } from './observe.ts';
import { findPoints } from './otlp.ts';

const NAME = 'named in code';
const SECRET = 'hunter2hunter2';

describe('a process that publishes its names', () => {
  const cleanup = new Cleanup();
  let output: Output;
  let pid = 0;

  before(async () => {
    output = await observeNamed(cleanup, NAME, async (launcher) => {
      const publisher = new ContextPublisher(cleanup, { SECRET }, launcher);
      ({ pid } = publisher);
      const attributes = {
        'service.name': NAME,
        'service.instance.id': 'one',
        'host.name': 'forged',
        'process.pid': '1',
      };
      await publisher.publish({ payload: contextPayload(attributes), place: 'elsewhere' });
      return publisher;
    });
  });
  after(() => cleanup.run());

  it('is called so, and nothing that is observed is forged', () => {
    const named = findPoints(output.metrics, OPENED, { resource: { 'service.name': NAME } });
    assert.ok(named.length > 0);
    for (const { resource } of named) {
      assert.equal(resource['service.instance.id'], 'one');
      assert.notEqual(resource['host.name'], 'forged');
      assert.notEqual(resource['process.pid'], 1);
    }
    assert.ok(pid > 1);
  });

  it('tells nothing else of its memory', () => {
    assert.ok(!JSON.stringify(output.lines).includes(SECRET));
  });
});
