// Prints, for a shell's `eval "exec …"`, the command that becomes the agent: the project's Node, its options
// (why these: docs/decisions/0012-bounded-memory.md) and receiver/main.ts, of which a package has the JavaScript. What the user
// has set stays.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isPackaged, projectNode, root, runMain } from './project.mjs';

function quote(word) {
  return `'${word.replaceAll("'", String.raw`'\''`)}'`;
}

await runMain(() => {
  const options = JSON.parse(readFileSync(join(root, 'scripts', 'node-options.json'), 'utf8'));
  // The cache keeps stripped and compiled sources between runs.
  const variables = { NODE_COMPILE_CACHE: join(root, '.cache', 'node'), ...options.environment };
  const missing = Object.entries(variables).filter(([name]) => process.env[name] === undefined);
  const main = join(root, 'receiver', isPackaged ? 'main.js' : 'main.ts');
  const line = [projectNode(), ...options.arguments, main];
  const words = [...missing.map(([name, value]) => `${name}=${value}`), ...line];
  process.stdout.write(`env ${words.map(quote).join(' ')}\n`);
});
