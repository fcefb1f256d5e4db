/** The container image: Node with the libraries that it takes, and the agent; no shell, no package manager. By umoci, without a daemon. */
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { installTree, LIB, nodeOf, readNodeOptions, ROOT_FILES } from './installed.ts';
import { megabytes } from './npm.ts';
import { commitTime, project, readManifest, run, staging, type Machine } from './place.ts';
import { installRuntime } from './runtime.ts';

const DOC = 'usr/share/doc/wirespan';
/** As other images without a shell have it. */
const USER = 65_532;
/** Those of docs/compatibility.md, but for the one that old kernels want with an old libbpf. */
const CAPABILITIES = [
  'cap_bpf',
  'cap_perfmon',
  'cap_net_admin',
  'cap_sys_ptrace',
  'cap_dac_read_search',
  'cap_syslog',
];

/** A root file system in two parts: the first stays the same until Node or a library of Debian changes. */
interface Layers {
  readonly system: string;
  readonly agent: string;
}

/** Makes the image of one machine in `target` and returns the path of its archive. */
export function makeImage(machine: Machine, target: string): string {
  console.log(`making the container image for ${machine.debian}`);
  const work = workOf(machine);
  rmSync(work, { recursive: true, force: true });
  makeLayers(machine, layersIn(work));
  return packImage(machine, target);
}

/** Packs the files of the image that was made last. */
export function packImage(machine: Machine, target: string): string {
  const layout = makeLayout(machine, workOf(machine));
  addDockerManifest(layout);
  const { version } = readManifest();
  mkdirSync(target, { recursive: true });
  const path = join(target, `wirespan-${version}-${machine.debian}.oci.tar`);
  run('tar', [...TAR, '-C', layout, '-cf', path, 'oci-layout', 'index.json', 'manifest.json', 'blobs']);
  return path;
}

function workOf({ debian }: Machine): string {
  return join(staging, `image-${debian}`);
}

function layersIn(work: string): Layers {
  return { system: join(work, 'system'), agent: join(work, 'agent') };
}

function makeLayers(machine: Machine, { system, agent }: Layers): void {
  const components = installRuntime(machine, system);
  addAccounts(system);
  installTree(machine, join(agent, LIB));
  // Node is most of the image, and changes less often than the agent.
  const node = nodeOf(machine);
  mkdirSync(dirname(join(system, node)), { recursive: true });
  run(`${machine.gnu}-strip`, ['-s', '-o', join(system, node), join(agent, node)]);
  rmSync(join(agent, node));
  addDocuments(join(agent, LIB), join(agent, DOC), components);
  for (const name of ROOT_FILES) rmSync(join(agent, LIB, name), { recursive: true, force: true });
  compileCommand(machine, join(agent, 'usr/bin/wirespan'));
}

/** Users, and the folders that a container finds when its root is read-only. */
function addAccounts(root: string): void {
  const add = (name: string, text: string): void => writeFileSync(join(root, 'etc', name), text);
  add('passwd', `root:x:0:0:root:/:/nologin\nwirespan:x:${USER}:${USER}:wirespan:/:/nologin\n`);
  add('group', `root:x:0:\nwirespan:x:${USER}:\n`);
  add('nsswitch.conf', 'hosts: files dns\n');
  for (const path of ['dev', 'proc', 'sys', 'run', 'tmp', 'etc/wirespan', 'etc/ssl/certs'])
    mkdirSync(join(root, path), { recursive: true });
}

function addDocuments(from: string, to: string, components: readonly object[]): void {
  mkdirSync(to, { recursive: true });
  for (const name of ['LICENSE', 'THIRD_PARTY_LICENSES', 'CHANGELOG.md'])
    cpSync(join(from, name), join(to, name));
  const bill = JSON.parse(readFileSync(join(from, 'sbom.cdx.json'), 'utf8')) as { components: object[] };
  const whole = { ...bill, components: [...bill.components, ...components] };
  writeFileSync(join(to, 'sbom.cdx.json'), `${JSON.stringify(whole, undefined, 2)}\n`);
}

/** The command is a program: there is no shell for the one of other packages. */
function compileCommand(machine: Machine, path: string): void {
  const options = readNodeOptions();
  const list = (words: readonly string[]): string => words.map((word) => JSON.stringify(word)).join(', ');
  const variables = Object.entries(options.environment).map((pair) => `{ ${list(pair)} }`);
  const defined = {
    NODE: list([`/${nodeOf(machine)}`]),
    MAIN: list([`/${LIB}/receiver/main.js`]),
    ARGUMENTS: list(options.arguments),
    ENVIRONMENT: variables.join(', '),
  };
  mkdirSync(dirname(path), { recursive: true });
  const flags = [
    '-std=gnu11',
    '-O2',
    '-Wall',
    '-Wextra',
    '-Werror',
    '-s',
    '-Wl,-z,relro,-z,now',
    '-fPIE',
    '-pie',
  ];
  const macros = Object.entries(defined).map(([name, value]) => `-D${name}=${value}`);
  run(`${machine.gnu}-gcc`, [...flags, ...macros, '-o', path, join(project, 'packaging/image/wirespan.c')]);
}

/** The same files make the same archive, whoever makes it and when. */
const TAR = [
  '--format=posix',
  '--sort=name',
  '--mtime=@0',
  '--owner=0',
  '--group=0',
  '--numeric-owner',
  '--pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime',
];

/** Only root of some user namespace may give a file capabilities, and read them into an archive. */
function packLayer(folder: string, path: string): void {
  const script = `
[ ! -e "$1/usr/bin/wirespan" ] || setcap ${CAPABILITIES.join(',')}+p "$1/usr/bin/wirespan"
chmod -R u+rwX,go+rX,go-w "$1"
[ ! -e "$1/tmp" ] || chmod 1777 "$1/tmp"
exec tar --xattrs --xattrs-include=security.capability ${TAR.join(' ')} -C "$1" -cf "$2" .
`;
  const shell = ['sh', '-ec', script, 'sh', folder, path];
  const [command = '', ...args] = process.getuid?.() === 0 ? shell : ['unshare', '--map-root-user', ...shell];
  run(command, args);
}

function makeLayout(machine: Machine, work: string): string {
  const layers = layersIn(work);
  const layout = join(work, 'layout');
  rmSync(layout, { recursive: true, force: true });
  const manifest = readManifest();
  const image = ['--image', `${layout}:${manifest.version}`];
  const umoci = (...words: string[]): string => run('umoci', words);
  umoci('init', '--layout', layout);
  umoci('new', ...image);
  for (const [name, says] of [
    ['system', 'Node and the libraries of Debian that it takes'],
    ['agent', 'wirespan and its modules'],
  ] as const) {
    const path = join(work, `${name}.tar`);
    packLayer(layers[name], path);
    const history = ['--history.created', '1970-01-01T00:00:00Z', '--history.created_by', says];
    umoci('raw', 'add-layer', ...image, ...history, path);
    console.log(`unpacked, ${says}: ${megabytes(path)}`);
    rmSync(path);
  }
  const labels = {
    title: manifest.name,
    description: manifest.description,
    version: manifest.version,
    licenses: manifest.license,
    revision: run('git', ['rev-parse', 'HEAD']).trim(),
  };
  umoci(
    'config',
    ...image,
    '--no-history',
    `--created=${commitTime().toISOString()}`,
    '--os=linux',
    `--architecture=${machine.debian}`,
    `--config.user=${USER}:${USER}`,
    '--config.entrypoint=/usr/bin/wirespan',
    '--config.cmd=run',
    '--config.cmd=--output=none',
    '--config.env=PATH=/usr/bin',
    '--config.stopsignal=SIGTERM',
    ...Object.entries(labels).map(
      ([name, value]) => `--config.label=org.opencontainers.image.${name}=${value}`,
    ),
  );
  umoci('gc', '--layout', layout);
  return layout;
}

interface Descriptor {
  readonly digest: string;
}
interface Index {
  readonly manifests: readonly [Descriptor & { readonly annotations: Readonly<Record<string, string>> }];
}

/** What `docker load` of every version reads, and the name that containerd gives the image: as `docker save` writes both. */
function addDockerManifest(layout: string): void {
  const { name, version } = readManifest();
  const blob = ({ digest }: Descriptor): string => `blobs/${digest.replace(':', '/')}`;
  const read = (path: string): unknown => JSON.parse(readFileSync(join(layout, path), 'utf8'));
  const index = read('index.json') as Index;
  const [entry] = index.manifests;
  const { config, layers } = read(blob(entry)) as { config: Descriptor; layers: readonly Descriptor[] };
  const annotations = {
    ...entry.annotations,
    'io.containerd.image.name': `docker.io/library/${name}:${version}`,
  };
  const write = (path: string, content: unknown): void =>
    writeFileSync(join(layout, path), JSON.stringify(content));
  write('index.json', { ...index, manifests: [{ ...entry, annotations }] });
  write('manifest.json', [
    { Config: blob(config), RepoTags: [`${name}:${version}`], Layers: layers.map(blob) },
  ]);
}
