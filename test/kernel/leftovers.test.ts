/** No program, map or link stays in the kernel, whatever ends the process. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { waitFor } from '../support/wait.ts';
import { Watcher } from '../support/watcher.ts';

type Kind = 'prog' | 'map' | 'link';
const KINDS = ['prog', 'map', 'link'] as const;

/** Ids of what a process holds, from its file descriptors. */
function heldBy(pid: number | 'self'): Record<Kind, Set<number>> {
  const held = { prog: new Set<number>(), map: new Set<number>(), link: new Set<number>() };
  for (const fd of readdirSync(`/proc/${pid}/fdinfo`)) {
    let text = '';
    try {
      text = readFileSync(`/proc/${pid}/fdinfo/${fd}`, 'utf8');
    } catch {
      continue; // closed meanwhile: the one that lists the folder
    }
    for (const kind of KINDS) {
      const id = new RegExp(`^${kind}_id:\\s*(\\d+)$`, 'm').exec(text)?.[1];
      if (id !== undefined) held[kind].add(Number(id));
    }
  }
  return held;
}

/** Whether the kernel still has any of them. */
async function remaining(held: Record<Kind, Set<number>>): Promise<string[]> {
  const found: string[] = [];
  for (const kind of KINDS) {
    const listing = spawn('bpftool', ['-j', kind, 'show'], { stdio: ['ignore', 'pipe', 'ignore'] });
    let json = '';
    listing.stdout.setEncoding('utf8').on('data', (chunk: string) => (json += chunk));
    await once(listing, 'close');
    const ids = (JSON.parse(json) as { id: number }[]).map(({ id }) => id);
    found.push(...ids.filter((id) => held[kind].has(id)).map((id) => `${kind} ${id}`));
  }
  return found;
}

test('close takes everything out', async () => {
  const watcher = new Watcher();
  const held = heldBy('self');
  assert.ok(held.prog.size > 5 && held.map.size > 10 && held.link.size > 5, 'the programs are there');
  assert.ok((await remaining(held)).length > 20);
  watcher.close();
  const left = heldBy('self');
  assert.deepEqual(
    KINDS.map((kind) => left[kind].size),
    [0, 0, 0],
  );
  await waitFor('the kernel to let go of all', async () => (await remaining(held)).length === 0);
});

test('kill -9 takes everything out', async () => {
  const script = `
    import { Watcher } from ${JSON.stringify(new URL('../support/watcher.ts', import.meta.url).href)};
    globalThis.kept = new Watcher();
    console.log('ready');
    setInterval(() => undefined, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    await Promise.race([once(child.stdout, 'data'), once(child, 'close')]);
    assert.equal(child.exitCode, null, 'the process ended by itself');
    const held = heldBy(child.pid ?? 0);
    assert.ok((await remaining(held)).length > 20, 'the programs are there');
    child.kill('SIGKILL');
    await once(child, 'close');
    await waitFor('the kernel to let go of all', async () => (await remaining(held)).length === 0);
  } finally {
    child.kill('SIGKILL');
  }
});
