/**
 * Regenerates all that is generated: `npm run generate`. With `--check` it writes nothing and fails when a
 * file is stale. A generator is a `generate.ts` in a folder; it knows `--check` too.
 * The one of the record layouts reads the compiled BPF object: build first, and have bpftool.
 */
import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { dirname } from 'node:path';

const root = dirname(import.meta.dirname);
/** semconv first: constants and bucket bounds of the registry are inputs of the others. */
const generators = globSync(
  ['semconv/generate.ts', 'config/generate.ts', 'receiver/*/generate.ts', 'scripts/*/generate.ts'],
  {
    cwd: root,
  },
).sort((a, b) => Number(b.startsWith('semconv')) - Number(a.startsWith('semconv')));

let failures = generators.length === 0 ? 1 : 0;
for (const generator of generators) {
  const child = spawnSync(process.execPath, [generator, ...process.argv.slice(2)], {
    cwd: root,
    stdio: 'inherit',
  });
  if (child.status === 0) continue;
  failures += 1;
  console.error(`wirespan: ${generator} failed or found stale files; see above, then run 'npm run generate'`);
}
process.exitCode = failures > 0 ? 1 : 0;
