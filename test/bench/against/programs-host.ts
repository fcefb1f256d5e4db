/**
 * The default programs of one checkout, loaded by its own code, in a process of their own: `programs-host.ts FOLDER`.
 * A line `on` or `off` on standard input attaches or detaches them; once that is done, the same line is the answer.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** What is used of a checkout. Older ones have it too, in other places. */
interface Checkout {
  readonly loadConfig: (sources: object) => unknown;
  readonly kernelOptionsOf: (config: unknown) => unknown;
  readonly KernelSource: { start: (options: unknown) => Programs };
}

interface Programs {
  attach(): void;
  detach(): void;
  drain(handle: (bytes: Uint8Array) => void): number;
}

/** Where `kernelOptionsOf` is, and was. */
const KERNEL_OPTIONS = ['receiver/settings/kernel.ts', 'receiver/kernel-options.ts'];

async function load(folder: string): Promise<Programs> {
  const options = KERNEL_OPTIONS.find((path) => existsSync(join(folder, path))) ?? '';
  const modules: unknown[] = [];
  for (const path of ['config/index.ts', options, 'receiver/source/kernel-source.ts'])
    modules.push(await import(join(folder, path)));
  const { loadConfig, kernelOptionsOf, KernelSource } = Object.assign({}, ...modules) as Checkout;
  return KernelSource.start(kernelOptionsOf(loadConfig({ argv: [], env: {}, readFile: () => '' })));
}

const programs = await load(process.argv[2] ?? '');
programs.detach();
process.stdout.write('off\n');
for await (const line of createInterface(process.stdin)) {
  if (line === 'on') programs.attach();
  else {
    programs.detach();
    // What the agent would have taken: a full ring makes programs cheaper.
    programs.drain(() => undefined);
  }
  process.stdout.write(`${line}\n`);
}
