// Makes the packages: npm run package [-- npm|deb|image ...] [--arch=x64,arm64] [--to=FOLDER]. All of them, for both kinds of machines, by default.
// They are made on Debian 12: what is compiled there runs with the C library of that time and newer.
import { spawnSync } from 'node:child_process';
import { UserError, root, runMain } from './project.mjs';
import { setup } from './setup.mjs';

await runMain(async () => {
  const node = await setup(['build', 'package']);
  const args = ['--disable-warning=ExperimentalWarning', 'scripts/package/main.ts', ...process.argv.slice(2)];
  const { status } = spawnSync(node, args, { cwd: root, stdio: 'inherit' });
  if (status !== 0) throw new UserError('the packages were not made; see above');
});
