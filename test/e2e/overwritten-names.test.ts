/** A server that has overwritten its environment with a title (setproctitle, as gunicorn does), and its worker. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { AskedProgram } from '../support/asked-program.ts';
import { Cleanup } from '../support/cleanup.ts';
import { fromPypi } from '../support/pinned-package.ts';
import { observeNamed, OPENED } from './named-service.ts';
import { findPoints } from './otlp.ts';

const PROGRAM = join(import.meta.dirname, '../publishers/titled.py');

describe('a server that has overwritten its environment', () => {
  const cleanup = new Cleanup();
  after(() => cleanup.run());

  it('is called as it was started, and so is its worker', { timeout: 180_000 }, async () => {
    const env = {
      PYTHONPATH: fromPypi('setproctitle', '1.3.7'),
      OTEL_SERVICE_NAME: 'titled shop',
      OTEL_RESOURCE_ATTRIBUTES: 'service.namespace=titled',
      SECRET: 'hunter2hunter2',
    };
    const output = await observeNamed(cleanup, 'titled shop', async (launcher) => {
      const program = new AskedProgram([...launcher, 'python3', PROGRAM], env);
      cleanup.add(() => program.stop());
      await program.expect('titled');
      return { connect: (port) => program.ask(String(port), 'connected') };
    });
    const named = findPoints(output.metrics, OPENED, { resource: { 'service.name': 'titled shop' } });
    for (const { resource } of named) assert.equal(resource['service.namespace'], 'titled');
    assert.ok(!JSON.stringify(output.lines).includes(env.SECRET));
  });
});
