/**
 * Formatting and lint: `npm run lint [-- --fix] [-- prettier|eslint|clang-format ...]`, all three by default.
 * Needs clang-format for the last one.
 */
import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { dirname, join } from 'node:path';

const root = dirname(import.meta.dirname);
const isFixing = process.argv.includes('--fix');

/** C and C++ that people write: kernel headers and generated files are left as they are. */
function listNativeSources(): string[] {
  return globSync(['bpf/**/*.{c,h}', 'native/**/*.{cc,h}', 'packaging/**/*.c', 'test/**/*.{c,h}'], {
    cwd: root,
    exclude: ['**/generated/**', 'bpf/vmlinux/**', '**/node_modules/**'],
  }).sort();
}

function bin(path: string): string {
  return join(root, 'node_modules', path);
}

const linters: Record<string, () => string[]> = {
  prettier: () => [
    process.execPath,
    bin('prettier/bin/prettier.cjs'),
    isFixing ? '--write' : '--check',
    '--log-level=warn',
    '.',
  ],
  eslint: () => [
    process.execPath,
    bin('eslint/bin/eslint.js'),
    '--max-warnings=0',
    ...(isFixing ? ['--fix'] : []),
    '.',
  ],
  'clang-format': () => [
    'clang-format',
    ...(isFixing ? ['-i'] : ['--dry-run', '-Werror']),
    ...listNativeSources(),
  ],
};

function lint(name: string): boolean {
  const command = linters[name]?.();
  if (command === undefined) {
    console.error(`wirespan: there is no linter '${name}'; there are: ${Object.keys(linters).join(', ')}`);
    return false;
  }
  const [program = '', ...args] = command;
  const child = spawnSync(program, args, { cwd: root, stdio: 'inherit' });
  if (child.error !== undefined) {
    console.error(`wirespan: could not run '${program}' (${child.error.message}); install it and try again`);
  }
  return child.status === 0;
}

const asked = process.argv.slice(2).filter((arg) => !arg.startsWith('-'));
const failed = (asked.length > 0 ? asked : Object.keys(linters)).filter((name) => !lint(name));
process.exitCode = failed.length > 0 ? 1 : 0;
