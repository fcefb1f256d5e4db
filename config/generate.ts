// Writes what is made of the schema of settings: node config/generate.ts [--check]
import { readFileSync, writeFileSync } from 'node:fs';
import { renderJsonSchema } from './json-schema.ts';
import { renderReference } from './reference.ts';

const FILES = {
  'docs/configuration.md': renderReference,
  'config/wirespan.schema.json': renderJsonSchema,
};
const isCheck = process.argv.includes('--check');

function readOrEmpty(file: URL): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

for (const [path, render] of Object.entries(FILES)) {
  const target = new URL(`../${path}`, import.meta.url);
  const text = render();
  if (!isCheck) {
    writeFileSync(target, text);
  } else if (readOrEmpty(target) !== text) {
    console.error(`${path} differs from the schema: run "npm run generate" and commit the result`);
    process.exitCode = 1;
  }
}
