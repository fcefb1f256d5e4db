// Sets up what is missing, then runs the benchmarks: ratios within one run, printed, not asserted.
//   npm run bench [-- options of test/bench/main.ts]
import { spawnSync } from 'node:child_process';
import { root, runMain } from './project.mjs';
import { setup } from './setup.mjs';

await runMain(() => {
  const node = setup(['build', 'generate', 'test']);
  const args = ['--expose-gc', 'test/bench/main.ts', ...process.argv.slice(2)];
  process.exitCode = spawnSync(node, args, { cwd: root, stdio: 'inherit' }).status ?? 1;
});
