/**
 * Builds the real back ends of the end-to-end tests into `.cache/backends`, once for each state of their
 * pinned manifests: the OpenTelemetry Collector (about 2 minutes) and Jaeger (about 6).
 * `WIRESPAN_TEST_OTELCOL` and `WIRESPAN_TEST_JAEGER` name ready binaries instead.
 *
 *     node test/backends/build.ts [otelcol] [jaeger]
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { runGo } from './go.ts';
import { cacheFolder } from './place.ts';

interface BackEnd {
  readonly name: string;
  /** Folder of the manifest, and its files: what they hold decides whether a binary is still the right one. */
  readonly manifest: string;
  readonly files: readonly string[];
  /** Environment variable with the path of a ready binary. */
  readonly override: string;
  /** Makes the binary at `target`, working in the empty folder `scratch`. */
  readonly build: (scratch: string, target: string) => Promise<void>;
}

const BUILDER = 'go.opentelemetry.io/collector/cmd/builder@v0.155.0';

const otelcol: BackEnd = {
  name: 'otelcol',
  manifest: join(import.meta.dirname, 'otelcol'),
  files: ['manifest.yaml', 'go.mod', 'go.sum'],
  override: 'WIRESPAN_TEST_OTELCOL',
  build: buildOtelcol,
};

const jaeger: BackEnd = {
  name: 'jaeger',
  manifest: join(import.meta.dirname, 'jaeger'),
  files: ['manifest.json'],
  override: 'WIRESPAN_TEST_JAEGER',
  build: buildJaeger,
};

/** Path of the OpenTelemetry Collector; builds it when it is not there. Rejects when the build fails. */
export function otelcolPath(): Promise<string> {
  return pathOf(otelcol);
}

/** Path of Jaeger (the all-in-one v2 binary); builds it when it is not there. Rejects when the build fails. */
export function jaegerPath(): Promise<string> {
  return pathOf(jaeger);
}

async function pathOf(backEnd: BackEnd): Promise<string> {
  const { name, override } = backEnd;
  const ready = process.env[override];
  if (ready !== undefined && ready !== '') {
    if (existsSync(ready)) return ready;
    throw new Error(
      `${override} names '${ready}', which is not there: correct it or unset it to build ${name}`,
    );
  }
  const home = join(cacheFolder, `${name}-${hashManifest(backEnd)}`);
  const binary = join(home, name);
  if (existsSync(binary)) return binary;
  await buildInto(home, binary, backEnd);
  return binary;
}

function hashManifest({ manifest, files }: BackEnd): string {
  const hash = createHash('sha256');
  for (const file of files) hash.update(readFileSync(join(manifest, file)));
  return hash.digest('hex').slice(0, 12);
}

/** The binary gets its name only when it is whole: builds side by side, or broken off, leave no half one. */
async function buildInto(home: string, binary: string, { name, build }: BackEnd): Promise<void> {
  const scratch = join(home, `build-${process.pid}`);
  const startedAt = Date.now();
  console.error(`wirespan: building ${name} for the tests, once; this takes some minutes`);
  mkdirSync(scratch, { recursive: true });
  try {
    await build(scratch, join(scratch, name));
    renameSync(join(scratch, name), binary);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  console.error(`wirespan: built ${name} in ${Math.round((Date.now() - startedAt) / 1000)} s`);
}

function bring(from: string, to: string, files: readonly string[]): void {
  for (const file of files) {
    copyFileSync(join(from, file), join(to, file));
    chmodSync(join(to, file), 0o644);
  }
}

/**
 * The builder writes only the sources: its own `go mod tidy` would ask for modules that just the
 * components' tests need. Our go.mod and go.sum pin the rest.
 */
async function buildOtelcol(scratch: string, target: string): Promise<void> {
  await runGo(['install', BUILDER], { folder: scratch, env: { GOBIN: scratch } });
  bring(otelcol.manifest, scratch, otelcol.files);
  const generate = ['--config', 'manifest.yaml', '--skip-compilation', '--skip-get-modules'];
  execFileSync(join(scratch, 'builder'), generate, { cwd: scratch, stdio: ['ignore', 'pipe', 'pipe'] });
  bring(otelcol.manifest, scratch, ['go.mod', 'go.sum']);
  await runGo(['build', '-mod=readonly', '-trimpath', '-o', target, '.'], { folder: scratch });
}

/**
 * Jaeger's module has replace directives, so it cannot be installed by version: its own go.mod and go.sum
 * become ours, with Jaeger as one more requirement.
 */
async function buildJaeger(scratch: string, target: string): Promise<void> {
  const pin = JSON.parse(readFileSync(join(jaeger.manifest, 'manifest.json'), 'utf8')) as JaegerPin;
  const answer = await runGo(['mod', 'download', '-json', `${pin.module}@${pin.version}`], {
    folder: scratch,
  });
  const download = JSON.parse(answer) as { Dir: string; Sum: string };
  if (download.Sum !== pin.sum)
    throw new Error(`${pin.module}@${pin.version} has sum ${download.Sum}, not ${pin.sum}`);
  bring(download.Dir, scratch, ['go.mod', 'go.sum']);
  const asModule = [
    '-module=wirespan.test/jaeger',
    `-require=${pin.module}@${pin.version}`,
    `-tool=${pin.package}`,
  ];
  await runGo(['mod', 'edit', ...asModule], { folder: scratch });
  await runGo(['build', '-mod=mod', '-trimpath', '-o', target, pin.package], { folder: scratch });
}

interface JaegerPin {
  readonly module: string;
  readonly version: string;
  /** The module's checksum as in a go.sum file. */
  readonly sum: string;
  readonly package: string;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const asked = process.argv.slice(2);
  for (const backEnd of [otelcol, jaeger].filter(({ name }) => asked.length === 0 || asked.includes(name))) {
    const { name } = backEnd;
    try {
      console.log(`${name}: ${await pathOf(backEnd)}`);
    } catch (error) {
      console.error(`wirespan: ${name} could not be built: ${(error as Error).message}`);
      process.exitCode = 1;
    }
  }
}
