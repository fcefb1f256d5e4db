import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { bring, type BackEnd } from './back-end.ts';
import { runGo } from './go.ts';

/** What manifest.json says. */
interface ModulePin {
  readonly module: string;
  readonly version: string;
  /** The module's checksum as in a go.sum file. */
  readonly sum: string;
  readonly package: string;
  /** Flags of `go build`, such as tags that leave out what no test needs. */
  readonly flags?: readonly string[];
}

/** The program of a Go module that has a manifest in the folder `name`. */
export function moduleBackEnd(name: string, override: string): BackEnd {
  const manifest = join(import.meta.dirname, name);
  return {
    name,
    manifest,
    files: ['manifest.json'],
    override,
    build: (scratch, target) => buildModule(manifest, scratch, target),
  };
}

/**
 * A module with replace directives cannot be installed by version: its own go.mod and go.sum become ours, with
 * the module as one more requirement.
 */
async function buildModule(manifest: string, scratch: string, target: string): Promise<void> {
  const pin = JSON.parse(readFileSync(join(manifest, 'manifest.json'), 'utf8')) as ModulePin;
  const answer = await runGo(['mod', 'download', '-json', `${pin.module}@${pin.version}`], {
    folder: scratch,
  });
  const download = JSON.parse(answer) as { Dir: string; Sum: string };
  if (download.Sum !== pin.sum)
    throw new Error(`${pin.module}@${pin.version} has sum ${download.Sum}, not ${pin.sum}`);
  bring(download.Dir, scratch, ['go.mod', 'go.sum']);
  const asModule = [
    `-module=wirespan.test/${pin.module.split('/').at(-1)}`,
    `-require=${pin.module}@${pin.version}`,
    `-tool=${pin.package}`,
  ];
  await runGo(['mod', 'edit', ...asModule], { folder: scratch });
  const flags = ['-mod=mod', '-trimpath', ...(pin.flags ?? [])];
  await runGo(['build', ...flags, '-o', target, pin.package], { folder: scratch });
}

/** A program of our own in Go, whose folder is the manifest. */
export function programBackEnd(name: string, folder: string, override: string): BackEnd {
  const files = ['go.mod', 'go.sum', 'main.go'];
  return {
    name,
    manifest: folder,
    files,
    override,
    build: async (scratch, target) => {
      bring(folder, scratch, files);
      await runGo(['build', '-mod=readonly', '-trimpath', '-o', target, '.'], { folder: scratch });
    },
  };
}
