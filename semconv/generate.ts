// Compiles the registry: `generate.ts` writes the generated files, `generate.ts --check` only says which are stale.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { emitBounds } from './generator/emit-bounds.ts';
import { emitCatalogue } from './generator/emit-catalogue.ts';
import {
  emitAttributes,
  emitEvents,
  emitIndex,
  emitMetrics,
  emitSpans,
  emitVersion,
} from './generator/emit-typescript.ts';
import { lint, lintCoverage } from './generator/lint.ts';
import type { Registry } from './generator/model.ts';
import { readSource } from './generator/read.ts';
import { resolve } from './generator/resolve.ts';
import { RegistryError } from './generator/shape.ts';

const SEMCONV = import.meta.dirname;
const PROJECT = dirname(SEMCONV);

/** Reads and resolves the registry in `folder`. Throws RegistryError. */
export function loadRegistry(folder: string = join(SEMCONV, 'registry')): Registry {
  return resolve(readSource(folder, true), readSource(join(SEMCONV, 'upstream'), false));
}

/** All generated files: path below the project → text. Throws RegistryError. */
export function generate(): ReadonlyMap<string, string> {
  const registry = loadRegistry();
  const problems = [...lint(registry), ...lintCoverage(registry)];
  if (problems.length > 0) throw new RegistryError(problems.join('\n'));
  const { version } = JSON.parse(readFileSync(join(PROJECT, 'package.json'), 'utf8')) as { version: string };
  const types = readFileSync(join(SEMCONV, 'types.ts'), 'utf8');
  const typeNames = [...types.matchAll(/^export (?:interface|type) (\w+)/gm)]
    .map((match) => match[1] ?? '')
    .sort();
  const constants = new Map([
    ['generated/attributes.ts', emitAttributes(registry)],
    ['generated/events.ts', emitEvents(registry)],
    ['generated/metrics.ts', emitMetrics(registry)],
    ['generated/spans.ts', emitSpans(registry)],
    ['generated/version.ts', emitVersion(registry, version)],
  ]);
  return new Map([
    ...[...constants].map(([path, text]) => [`semconv/${path}`, text] as const),
    ['semconv/index.ts', emitIndex(constants, typeNames)],
    ['bpf/generated/bounds.h', emitBounds(registry)],
    ['docs/catalogue.md', emitCatalogue(registry)],
  ]);
}

/** Paths of generated files on disk that differ from what the registry says. */
export function staleFiles(project: string = PROJECT): readonly string[] {
  return [...generate()]
    .filter(([path, text]) => readOrEmpty(join(project, path)) !== text)
    .map(([path]) => path);
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function main(argv: readonly string[]): number {
  const stale = staleFiles();
  if (argv.includes('--check')) {
    for (const path of stale) process.stderr.write(`${path} is out of date: run "npm run generate"\n`);
    return stale.length > 0 ? 1 : 0;
  }
  const files = generate();
  for (const path of stale) {
    mkdirSync(dirname(join(PROJECT, path)), { recursive: true });
    writeFileSync(join(PROJECT, path), files.get(path) ?? '');
    process.stdout.write(`wrote ${path}\n`);
  }
  return 0;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  try {
    process.exitCode = main(process.argv.slice(2));
  } catch (error) {
    if (!(error instanceof RegistryError)) throw error;
    for (const line of error.message.split('\n')) process.stderr.write(`semconv/registry/${line}\n`);
    process.exitCode = 1;
  }
}
