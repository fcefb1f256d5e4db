// Writes docs/configuration.md from the schema: node config/generate.ts [--check]
import { readFileSync, writeFileSync } from 'node:fs';
import { renderReference } from './reference.ts';

const target = new URL('../docs/configuration.md', import.meta.url);
const text = renderReference();

if (process.argv.includes('--check')) {
  if (readFileSync(target, 'utf8') !== text) {
    console.error(
      'docs/configuration.md differs from the schema: run "npm run generate" and commit the result',
    );
    process.exitCode = 1;
  }
} else {
  writeFileSync(target, text);
}
