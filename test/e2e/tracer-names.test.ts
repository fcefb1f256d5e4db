/** Programs that have their names in their code, and tracers that publish them in memory by default (OTEP 4719). */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { AskedProgram } from '../support/asked-program.ts';
import { Cleanup } from '../support/cleanup.ts';
import { fromNpm, fromPypi } from '../support/pinned-package.ts';
import { observeNamed, OPENED } from './named-service.ts';
import { findPoints } from './otlp.ts';

interface Tracer {
  readonly program: readonly [string, ...string[]];
  readonly env: Readonly<Record<string, string>>;
}

/** Nobody listens there, and the namespace has no way out. */
const AGENT = 'http://127.0.0.1:1';
const publisher = (name: string): string => join(import.meta.dirname, '../publishers', name);

/** Datadog's tracers. */
const tracers: Record<string, () => Tracer> = {
  'ddtrace 4.16.0 for Python': () => ({
    program: ['python3', publisher('named.py')],
    env: { PYTHONPATH: fromPypi('ddtrace', '4.16.0') },
  }),
  'dd-trace 6.21.0 for Node': () => ({
    program: [process.execPath, publisher('named.cjs')],
    env: { NODE_PATH: fromNpm('dd-trace', '6.21.0') },
  }),
};

describe('a service that is named in code is called as its tracer publishes:', () => {
  for (const [about, make] of Object.entries(tracers))
    it(about, { timeout: 180_000 }, async () => {
      const cleanup = new Cleanup();
      const name = `named in code, ${about}`;
      try {
        const { program, env } = make();
        const output = await observeNamed(cleanup, name, async (launcher) => {
          const asked = new AskedProgram([...launcher, ...program, name, AGENT], env);
          cleanup.add(() => asked.stop());
          await asked.expect('published');
          return { connect: (port) => asked.ask(String(port), 'connected') };
        });
        const named = findPoints(output.metrics, OPENED, { resource: { 'service.name': name } });
        // It has one of its own, which its traces have too.
        for (const { resource } of named)
          assert.match(String(resource['service.instance.id']), /^[0-9a-f-]{32,36}$/);
      } finally {
        await cleanup.run();
      }
    });
});
