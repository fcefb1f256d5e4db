/** The npm package: JavaScript of the sources, what is built, and what pins and describes all that it needs. */
import { cpSync, globSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { v5 } from 'uuid';
import { LIBRARIES } from './libraries.ts';
import { describeLibraries, writeLicences } from './licences.ts';
import { commitTime, PackageError, project, readManifest, run, staging, type Machine } from './place.ts';
import { buildFor } from './prebuilt.ts';

/** The tree of the npm package, before npm packs it. */
export const npmTree = join(staging, 'npm');

/** Files that go as they are. The source of the addon lets whoever wants to link it with another libelf. */
const COPIED = [
  'LICENSE',
  'README.md',
  'CHANGELOG.md',
  'bin/wirespan',
  'bpf/LICENSE',
  'docs/installing.md',
  'hook/*.mjs',
  'native/Makefile',
  'native/src/*',
  'otel-collector.yaml',
  'config/wirespan.schema.json',
  'scripts/{launch,project,say}.mjs',
  'scripts/node-options.json',
];

/** Fields of package.json that a package has too. */
const FIELDS = [
  'name',
  'version',
  'description',
  'license',
  'type',
  'bin',
  'exports',
  'engines',
  'dependencies',
  'optionalDependencies',
];

/** Makes the tree anew, with what is built for these machines. */
export function makeNpmTree(machines: readonly Machine[]): void {
  rmSync(npmTree, { recursive: true, force: true });
  mkdirSync(npmTree, { recursive: true });
  for (const path of globSync(COPIED, { cwd: project })) copy(path);
  compile();
  for (const machine of machines) buildFor(machine, join(npmTree, 'prebuilt'));
  writeManifest(machines);
  writeLicences(npmTree);
  writeBill();
}

/** Packs the tree into a folder and returns the path of the package. */
export function packNpm(target: string): string {
  mkdirSync(target, { recursive: true });
  const said = run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', target], {
    cwd: npmTree,
  });
  const [{ filename }] = JSON.parse(said) as [{ filename: string }];
  return join(target, filename);
}

/** Size of a file in MB, as people say it. */
export function megabytes(path: string): string {
  return `${(statSync(path).size / 1e6).toFixed(1)} MB`;
}

function copy(path: string): void {
  mkdirSync(dirname(join(npmTree, path)), { recursive: true });
  cpSync(join(project, path), join(npmTree, path));
}

/** Node strips no types in node_modules: the compiler does it here, and writes .js for .ts in imports. */
function compile(): void {
  console.log('compiling the sources');
  const settings = join(project, 'scripts', 'package', 'tsconfig.compile.json');
  run(process.execPath, ['node_modules/typescript/bin/tsc', '-p', settings, '--outDir', npmTree]);
}

function writeManifest(machines: readonly Machine[]): void {
  const manifest = readManifest();
  const kept = Object.fromEntries(FIELDS.map((field) => [field, manifest[field]]));
  const own = { os: ['linux'], cpu: machines.map(({ arch }) => arch), libc: ['glibc'] };
  write('package.json', { ...kept, ...own });
  write('npm-shrinkwrap.json', shrinkwrap({ ...kept, ...own }));
}

interface Lock {
  readonly packages: Readonly<Record<string, { readonly dev?: boolean }>>;
}

/** The versions and checksums of package-lock.json, without what only developers need. */
function shrinkwrap(root: Readonly<Record<string, unknown>>): object {
  const lock = JSON.parse(readFileSync(join(project, 'package-lock.json'), 'utf8')) as Lock;
  const modules = Object.entries(lock.packages).filter(([path, { dev }]) => path !== '' && dev !== true);
  if (modules.length === 0) throw new PackageError('package-lock.json names no module that a package needs');
  return { ...lock, packages: { '': root, ...Object.fromEntries(modules) } };
}

interface Bill {
  readonly metadata: object;
  readonly components: readonly object[];
}

/** Any; what is made of the content with it is the same for the same content. */
const NAMESPACE = '5f0a8f8e-3c5e-4d43-9a55-0f6c1d3f6a3b';

/**
 * The bill of materials (CycloneDX), by npm itself; what is linked into the addons is added. Its time is the commit's, and
 * its number of its content: that of npm is another each time.
 */
function writeBill(): void {
  const args = [
    'sbom',
    '--sbom-format=cyclonedx',
    '--package-lock-only',
    '--omit=dev',
    '--sbom-type=application',
  ];
  const bill = JSON.parse(run('npm', args, { cwd: npmTree })) as Bill;
  const metadata = { ...bill.metadata, timestamp: commitTime().toISOString() };
  const content = { ...bill, metadata, components: [...bill.components, ...describeLibraries(LIBRARIES)] };
  const serialNumber = `urn:uuid:${v5(JSON.stringify({ ...content, serialNumber: '' }), NAMESPACE)}`;
  write('sbom.cdx.json', { ...content, serialNumber });
}

function write(path: string, content: object): void {
  writeFileSync(join(npmTree, path), `${JSON.stringify(content, undefined, 2)}\n`);
}
