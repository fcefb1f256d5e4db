/** What `check-config` says of the kernel's part, against what the kernel says of the maps that it made. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { loadConfig } from '../../config/index.ts';
import { possibleCpus } from '../../native/index.ts';
import { kernelOptionsOf } from '../../receiver/settings/kernel.ts';
import { KernelSource } from '../../receiver/source/kernel-source.ts';
import { mapMemory } from '../../receiver/source/map-memory.ts';
import { mapSizes } from '../../receiver/source/map-sizes.ts';

/** Bytes of all maps that this process has open. */
function mapBytes(): number {
  /** By id: a map can be open twice. */
  const bytes = new Map<string, number>();
  for (const fd of readdirSync('/proc/self/fdinfo')) {
    let text = '';
    try {
      text = readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8');
    } catch {
      // The descriptor of the listing itself.
    }
    const id = /^map_id:\s*(\d+)$/m.exec(text)?.[1];
    if (id !== undefined) bytes.set(id, Number(/^memlock:\s*(\d+)$/m.exec(text)?.[1] ?? 0));
  }
  return [...bytes.values()].reduce((sum, each) => sum + each, 0);
}

for (const argv of [[], ['--profile=small'], ['--metrics.tcp.state.duration=on', '--bpf.max_series=3000']])
  test(`the memory of the kernel's maps is what is said: ${argv.join(' ') || 'defaults'}`, (t) => {
    const options = kernelOptionsOf(loadConfig({ argv, env: {}, readFile: () => '' }));
    const before = mapBytes();
    const source = KernelSource.start(options);
    try {
      const { atStart } = mapMemory(mapSizes(options, source.plan), possibleCpus());
      const said = [...atStart.values()].reduce((sum, bytes) => sum + bytes, 0);
      const is = mapBytes() - before;
      t.diagnostic(`said ${said}, is ${is}`);
      assert.ok(is > 1e6 && Math.abs(is - said) < 0.01 * is, `said ${said}, is ${is}`);
    } finally {
      source.close();
    }
  });
