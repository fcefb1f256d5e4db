import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { createProcessReader } from '../../../receiver/host/process-reader.ts';
import { Cleanup } from '../../support/cleanup.ts';
import { owner } from './proc-fixture.ts';

const cleanup = new Cleanup();
after(() => cleanup.run());

/** What the process is called whose `environ` is this; undefined: it cannot be read. */
function nameOf(
  environ: string | undefined,
  startedWith?: string,
): { name: string | undefined; unreadable: number } {
  const root = cleanup.makeFolder();
  mkdirSync(join(root, '7'));
  writeFileSync(join(root, '7', 'cgroup'), '0::/\n');
  writeFileSync(join(root, '7', 'stat'), `7 (x) S ${'0 '.repeat(18)}5000 `);
  if (environ !== undefined) writeFileSync(join(root, '7', 'environ'), environ);
  const reader = createProcessReader(root, ({ pid }) =>
    startedWith === undefined || pid !== 7 ? undefined : { serviceName: startedWith },
  );
  const name = reader.read(owner(7))?.environment.serviceName;
  return { name, unreadable: reader.counters.environUnreadable };
}

test('names are those that the program was started with where its environment has none, or cannot be read', () => {
  assert.deepEqual(nameOf('OTEL_SERVICE_NAME=now\0', 'started'), { name: 'now', unreadable: 0 });
  assert.deepEqual(nameOf('\0\0\0', 'started'), { name: 'started', unreadable: 0 });
  assert.deepEqual(nameOf(undefined, 'started'), { name: 'started', unreadable: 0 });
  assert.deepEqual(nameOf(undefined), { name: undefined, unreadable: 1 });
  assert.deepEqual(nameOf('A=b\0'), { name: undefined, unreadable: 0 });
});
