/**
 * Builds the real back ends of the end-to-end tests into `.cache/backends`, once for each state of their
 * pinned manifests. Environment variables name ready binaries instead.
 *
 *     node test/backends/build.ts [otelcol] [otelcol-newest] [otelcol-balancing] [jaeger] [prometheus] [promtool] [helm] [h2-client]
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { BackEnd } from './back-end.ts';
import { collectorBackEnd } from './collector.ts';
import { moduleBackEnd, programBackEnd } from './go-module.ts';
import { cacheFolder, projectFolder } from './place.ts';

const BACK_ENDS = {
  /** The OpenTelemetry Collector that most tests send to. */
  otelcol: collectorBackEnd('otelcol', 'WIRESPAN_TEST_OTELCOL'),
  /** A newer one, with what stands between an agent and Prometheus. */
  'otelcol-newest': collectorBackEnd('otelcol-newest', 'WIRESPAN_TEST_OTELCOL_NEWEST'),
  /** What stands before gateways; of a version that has the exporter for that. */
  'otelcol-balancing': collectorBackEnd('otelcol-balancing', 'WIRESPAN_TEST_OTELCOL_BALANCING'),
  /** The all-in-one v2 binary. */
  jaeger: moduleBackEnd('jaeger', 'WIRESPAN_TEST_JAEGER'),
  prometheus: moduleBackEnd('prometheus', 'WIRESPAN_TEST_PROMETHEUS'),
  /** What checks and tests alert rules; of the same module. */
  promtool: moduleBackEnd('promtool', 'WIRESPAN_TEST_PROMTOOL'),
  /** What renders our chart: no back end, but built like them. */
  helm: moduleBackEnd('helm', 'WIRESPAN_TEST_HELM'),
  /** Clients of Go: no back end, but built like them. */
  'h2-client': programBackEnd(
    'h2-client',
    join(projectFolder, 'test', 'workloads', 'h2-clients', 'go'),
    'WIRESPAN_TEST_H2_CLIENT',
  ),
} as const;

export type BackEndName = keyof typeof BACK_ENDS;

/** Path of a back end; builds it when it is not there. Rejects when the build fails. */
export async function backEndPath(name: BackEndName): Promise<string> {
  const backEnd: BackEnd = BACK_ENDS[name];
  const { override } = backEnd;
  const ready = process.env[override];
  if (ready !== undefined && ready !== '') {
    if (existsSync(ready)) return ready;
    throw new Error(
      `${override} names '${ready}', which is not there: correct it or unset it to build ${name}`,
    );
  }
  const binary = builtPath(backEnd);
  if (existsSync(binary)) return binary;
  await buildInto(dirname(binary), binary, backEnd);
  return binary;
}

/** Whether it is there, or a ready one is named, so that `backEndPath` builds nothing. */
export function isBuilt(name: BackEndName): boolean {
  const backEnd: BackEnd = BACK_ENDS[name];
  return (process.env[backEnd.override] ?? '') !== '' || existsSync(builtPath(backEnd));
}

function builtPath(backEnd: BackEnd): string {
  return join(cacheFolder, `${backEnd.name}-${hashManifest(backEnd)}`, backEnd.name);
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
  console.error(`wirespan: building ${name}, once; this takes some minutes`);
  mkdirSync(scratch, { recursive: true });
  try {
    await build(scratch, join(scratch, name));
    renameSync(join(scratch, name), binary);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  console.error(`wirespan: built ${name} in ${Math.round((Date.now() - startedAt) / 1000)} s`);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const asked = process.argv.slice(2);
  const names = Object.keys(BACK_ENDS) as BackEndName[];
  for (const name of names.filter((each) => asked.length === 0 || asked.includes(each))) {
    try {
      console.log(`${name}: ${await backEndPath(name)}`);
    } catch (error) {
      console.error(`wirespan: ${name} could not be built: ${(error as Error).message}`);
      process.exitCode = 1;
    }
  }
}
