import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { bring, type BackEnd } from './back-end.ts';
import { runGo } from './go.ts';

const BUILDER = 'go.opentelemetry.io/collector/cmd/builder';
const FILES = ['manifest.yaml', 'go.mod', 'go.sum'];

/** The OpenTelemetry Collector of the manifest in the folder `name`. */
export function collectorBackEnd(name: string, override: string): BackEnd {
  const manifest = join(import.meta.dirname, name);
  return {
    name,
    manifest,
    files: FILES,
    override,
    build: (scratch, target) => buildCollector(manifest, scratch, target),
  };
}

/**
 * The builder writes only the sources: its own `go mod tidy` would ask for modules that just the
 * components' tests need. Our go.mod and go.sum pin the rest.
 */
async function buildCollector(manifest: string, scratch: string, target: string): Promise<void> {
  await runGo(['install', `${BUILDER}@v${versionOf(manifest)}`], {
    folder: scratch,
    env: { GOBIN: scratch },
  });
  bring(manifest, scratch, FILES);
  const generate = ['--config', 'manifest.yaml', '--skip-compilation', '--skip-get-modules'];
  execFileSync(join(scratch, 'builder'), generate, { cwd: scratch, stdio: ['ignore', 'pipe', 'pipe'] });
  bring(manifest, scratch, ['go.mod', 'go.sum']);
  await runGo(['build', '-mod=readonly', '-trimpath', '-o', target, '.'], { folder: scratch });
}

function versionOf(manifest: string): string {
  const { dist } = parse(readFileSync(join(manifest, 'manifest.yaml'), 'utf8')) as {
    dist: { version: string };
  };
  return dist.version;
}
