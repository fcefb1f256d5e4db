/** Node's own exit that never comes to an end: nothing of the agent stays for it. */
import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { startAgent } from '../support/agent.ts';
import { Cleanup } from '../support/cleanup.ts';
import { startViewWith } from '../support/view.ts';

const cleanup = new Cleanup();
after(() => cleanup.run());

/** Variables with which `process.exit` waits for ever, as its join of a thread does, and the file that says so. */
function endless(): { settings: Record<string, string>; reached: string } {
  const folder = cleanup.makeFolder();
  const [preload, reached] = [join(folder, 'preload.mjs'), join(folder, 'reached')];
  writeFileSync(
    preload,
    `import { writeFileSync } from 'node:fs';
     process.exit = () => {
       writeFileSync(${JSON.stringify(reached)}, '');
       Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
     };`,
  );
  return { settings: { NODE_OPTIONS: `--import=${preload}` }, reached };
}

test('the agent ends with its status', async () => {
  const { settings, reached } = endless();
  const agent = await startAgent({
    ...settings,
    WIRESPAN_OTLP_METRICS_EXPORTER: 'none',
    WIRESPAN_OTLP_TRACES_EXPORTER: 'none',
    WIRESPAN_OTLP_LOGS_EXPORTER: 'none',
  });
  cleanup.add(() => agent.kill());
  const { code, signal } = await agent.stop();
  assert.deepEqual(
    { code, signal, isReached: existsSync(reached) },
    { code: 0, signal: undefined, isReached: true },
  );
});

test('a view ends with its status', async () => {
  const { settings, reached } = endless();
  const view = await startViewWith(settings, cleanup, 'tcplife', '--no-agent');
  assert.equal(await view.stop(), 0);
  assert.ok(existsSync(reached));
});
