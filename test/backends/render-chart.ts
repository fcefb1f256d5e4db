/**
 * Writes deploy/kubernetes/wirespan.yaml, what the chart makes of its own values:
 *
 *     node test/backends/render-chart.ts
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { backEndPath } from './build.ts';
import { projectFolder } from './place.ts';

/** The chart. */
export const CHART = join(projectFolder, 'deploy', 'helm', 'wirespan');
/** What is rendered from it, for who has no Helm. */
export const MANIFEST = join(projectFolder, 'deploy', 'kubernetes', 'wirespan.yaml');

const HEAD = '# Generated from deploy/helm/wirespan by test/backends/render-chart.ts.\n';

/** Runs the real Helm, which keeps nothing; what it says. Throws with what it says when it fails. */
export async function runHelm(...args: readonly string[]): Promise<string> {
  const helm = await backEndPath('helm');
  const home = mkdtempSync(join(tmpdir(), 'wirespan-helm-'));
  const env = { ...process.env, HELM_CACHE_HOME: home, HELM_CONFIG_HOME: home, HELM_DATA_HOME: home };
  try {
    return execFileSync(helm, args, { env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

/** The chart's objects with more `helm template` arguments. */
export async function renderChart(...args: readonly string[]): Promise<string> {
  return await runHelm('template', 'wirespan', CHART, '--namespace=wirespan', ...args);
}

/** What MANIFEST has to hold. */
export async function renderManifest(): Promise<string> {
  return HEAD + (await renderChart('--kube-version=1.33.0'));
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href)
  writeFileSync(MANIFEST, await renderManifest());
