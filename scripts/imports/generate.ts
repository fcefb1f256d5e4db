/** Writes the import table into docs/architecture.md; `--check` fails when it is stale. */
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import prettier from 'prettier';
import { FOLDERS } from './table.ts';

const project = dirname(dirname(import.meta.dirname));
const path = join(project, 'docs', 'architecture.md');
const [begin, end] = ['<!-- imports: begin -->', '<!-- imports: end -->'];

const names = (folders: readonly string[] = []): string =>
  folders.map((name) => `\`${name.replace(/^receiver\//, '')}\``).join(', ');

function importsOf(name: string): string {
  const { values = [], types = [] } = FOLDERS[name] ?? {};
  if (name === 'receiver/agent') return 'all';
  const parts = [names(values), types.length > 0 ? `types of ${names(types)}` : ''];
  return parts.filter((part) => part !== '').join('; ') || 'none';
}

const rows = Object.entries(FOLDERS).map(
  ([name, { holds }]) => `| \`${name}/\` | ${holds} | ${importsOf(name)} |`,
);
const text = readFileSync(path, 'utf8');
const [head, rest] = text.split(begin);
const tail = rest?.split(end)[1];
if (head === undefined || tail === undefined)
  throw new Error(`docs/architecture.md lacks the lines ${begin} and ${end}`);
const table = ['| Folder | Holds | May import |', '| --- | --- | --- |', ...rows].join('\n');
const options = await prettier.resolveConfig(path);
const made = await prettier.format(`${head}${begin}\n\n${table}\n\n${end}${tail}`, {
  ...options,
  parser: 'markdown',
});
if (made !== text) {
  if (process.argv.includes('--check')) {
    console.error('stale: the import table in docs/architecture.md');
    process.exitCode = 1;
  } else writeFileSync(path, made);
}
