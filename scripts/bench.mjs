// Sets up what is missing, then runs the benchmarks: ratios within one run, printed, not asserted.
//   npm run bench [-- SECTION...] [--quick]
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { root, runMain } from './project.mjs';
import { setup } from './setup.mjs';

const SETPRIV = '/usr/bin/setpriv';

await runMain(async () => {
  const node = await setup(['build', 'generate']);
  const line = [
    node,
    '--disable-warning=ExperimentalWarning',
    'test/bench/main.ts',
    ...process.argv.slice(2),
  ];
  // Should this process be killed, the benchmark stops and takes its own processes with it.
  const [command, ...args] = existsSync(SETPRIV) ? [SETPRIV, '--pdeathsig', 'TERM', '--', ...line] : line;
  process.exitCode = spawnSync(command, args, { cwd: root, stdio: 'inherit' }).status ?? 1;
});
