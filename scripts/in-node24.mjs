// Runs a script (TypeScript too) under the project's Node: node scripts/in-node24.mjs SCRIPT [ARGUMENTS]
import { spawnSync } from 'node:child_process';
import { UserError, projectNode, root, runMain } from './project.mjs';
import { ensureModules } from './setup.mjs';

await runMain(async () => {
  const [script, ...args] = process.argv.slice(2);
  if (script === undefined)
    throw new UserError('which script? node scripts/in-node24.mjs SCRIPT [ARGUMENTS]');
  await ensureModules();
  const child = spawnSync(projectNode(), [script, ...args], { cwd: root, stdio: 'inherit' });
  process.exitCode = child.status ?? 1;
});
