// System packages: which are missing, and how they get in. Debian 12+ and Ubuntu 22.04+.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { release } from 'node:os';
import { join } from 'node:path';
import { UserError, capture, hasCommand } from './project.mjs';
import { say } from './say.mjs';
import { run, runToEnd } from './stops.mjs';

const POLICY_FILE = '/usr/sbin/policy-rc.d';

/** What each purpose needs: a Debian package, and the program or file that shows it is there. */
const NEEDS = {
  build: [
    { name: 'clang', command: 'clang' },
    { name: 'llvm', command: 'llvm-strip' },
    { name: 'make', command: 'make' },
    { name: 'g++', command: 'g++' },
    { name: 'pkg-config', command: 'pkg-config' },
    { name: 'libbpf-dev', file: '/usr/include/bpf/libbpf.h' },
    { name: 'libelf-dev', file: '/usr/include/libelf.h' },
    { name: 'zlib1g-dev', file: '/usr/include/zlib.h' },
  ],
  lint: [{ name: 'clang-format', command: 'clang-format' }],
  generate: [
    { name: 'bpftool', command: 'bpftool', ubuntu: ['linux-tools-common', `linux-tools-${release()}`] },
  ],
  test: [
    { name: 'nginx-light', command: 'nginx', service: 'nginx' },
    { name: 'curl', command: 'curl' },
    { name: 'nftables', command: 'nft' },
    { name: 'iproute2', command: 'ip' },
    { name: 'procps', command: 'ps' },
    { name: 'tmux', command: 'tmux' },
    { name: 'python3-venv', present: hasPythonVenv },
    { name: 'python3-requests', file: '/usr/lib/python3/dist-packages/requests/__init__.py' },
    { name: 'python3-grpcio', file: '/usr/lib/python3/dist-packages/grpc/__init__.py' },
    { name: 'python3-httpx', file: '/usr/lib/python3/dist-packages/httpx/__init__.py' },
    { name: 'python3-h2', file: '/usr/lib/python3/dist-packages/h2/__init__.py' },
    { name: 'default-jdk-headless', command: 'java' },
    { name: 'libbpf-tools', file: '/usr/sbin/tcplife' },
    { name: 'openssh-server', file: '/usr/sbin/sshd', service: 'ssh' },
    { name: 'openssh-client', command: 'ssh' },
  ],
  // Stock kernels in virtual machines (test/kernel/vm.test.ts); without them those tests are skipped.
  vm: [
    { name: 'qemu-system-x86', command: 'qemu-system-x86_64' },
    { name: 'busybox-static', command: 'busybox' },
    { name: 'cpio', command: 'cpio' },
    { name: 'kmod', command: 'modprobe' },
    { name: 'xz-utils', command: 'xz' },
  ],
  // What `npm run demo` runs besides the project itself, and the databases of tests.
  demo: [
    { name: 'postgresql', present: hasPostgres, service: 'postgresql' },
    { name: 'redis-server', command: 'redis-server', service: 'redis-server' },
    { name: 'openssl', command: 'openssl' },
    { name: 'util-linux', command: 'setpriv' },
  ],
  // What takes the picture of Jaeger's page (demo/picture.ts), and shows the pages of reports to tests.
  picture: [{ name: 'chromium', command: 'chromium' }],
  // What `npm run package` makes packages with, and the tests of them.
  package: [
    { name: 'dpkg-dev', command: 'dpkg-source' },
    { name: 'debhelper', command: 'dh' },
    { name: 'xz-utils', command: 'xz' },
    { name: 'bzip2', command: 'bzip2' },
    { name: 'm4', command: 'm4' },
    { name: 'g++-aarch64-linux-gnu', command: 'aarch64-linux-gnu-g++' },
    { name: 'g++-x86-64-linux-gnu', command: 'x86_64-linux-gnu-g++' },
    { name: 'mmdebstrap', command: 'mmdebstrap' },
    { name: 'umoci', command: 'umoci' },
    { name: 'libcap2-bin', command: 'setcap' },
    { name: 'skopeo', command: 'skopeo' },
    { name: 'crun', command: 'crun' },
  ],
  go: [{ name: 'python3-venv', present: () => hasNewGo() || hasPythonVenv() }],
};

/** Purposes that `ensurePackages` knows. */
export const purposes = Object.keys(NEEDS);

/** Whether the machine's own Go is new enough to build the back ends (1.26.7, as test/backends/go.ts says). */
function hasNewGo() {
  const [, minor = '0', patch = '0'] = /go1\.(\d+)(?:\.(\d+))?/.exec(capture('go', ['version']) ?? '') ?? [];
  return Number(minor) > 26 || (Number(minor) === 26 && Number(patch) >= 7);
}

/** Debian has one folder a version, which is not on the PATH. */
function hasPostgres() {
  const folder = '/usr/lib/postgresql';
  const versions = existsSync(folder) ? readdirSync(folder) : [];
  return hasCommand('initdb') || versions.some((version) => existsSync(join(folder, version, 'bin/initdb')));
}

function hasPythonVenv() {
  return capture('python3', ['-c', 'import venv, ensurepip']) !== undefined;
}

function isPresent(need) {
  if (need.present) return need.present();
  return need.command ? hasCommand(need.command) : existsSync(need.file);
}

function isUbuntu() {
  try {
    return /^ID=ubuntu$/m.test(readFileSync('/etc/os-release', 'utf8'));
  } catch {
    return false;
  }
}

/** Packages that the purposes need and the machine lacks. */
export function missingPackages(wanted) {
  const missing = wanted.flatMap((purpose) => NEEDS[purpose]).filter((need) => !isPresent(need));
  const ubuntu = isUbuntu();
  return {
    names: missing.flatMap((need) => (ubuntu && need.ubuntu ? need.ubuntu : [need.name])),
    services: missing.flatMap((need) => (need.service ? [need.service] : [])),
  };
}

/**
 * Installs what the purposes need. As an ordinary user, or where there is no apt-get, it throws a
 * UserError with the one command to run.
 */
export async function ensurePackages(wanted) {
  const { names, services } = missingPackages(wanted);
  if (names.length === 0) return;
  const list = names.join(' ');
  if (!hasCommand('apt-get')) {
    throw new UserError(`these packages (Debian's names) are missing, install them and try again: ${list}`);
  }
  if (process.getuid() !== 0) {
    throw new UserError(
      `system packages are missing; run this once, then try again:\n  sudo apt-get install -y --no-install-recommends ${list}`,
    );
  }
  await say(
    `these system packages are missing: ${list}\n` +
      '  As root, they are installed on this machine now, with what they depend on and nothing else, by:\n' +
      `  apt-get update; apt-get install -y --no-install-recommends ${list}`,
  );
  await installAsRoot(names, services);
}

async function installAsRoot(names, services) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  // A failed refresh is no reason to stop: the lists at hand may do, and the install tells if not.
  await runToEnd('apt-get', ['-qq', 'update'], { env });
  const options = ['-qq', '-y', '--no-install-recommends', '-o', 'Dpkg::Use-Pty=0'];
  await withoutServiceStart(services.length > 0, () =>
    run('apt-get', ['install', ...options, ...names], {
      env,
      // What dpkg says of each package is no news; errors come on the other stream.
      stdio: ['ignore', 'ignore', 2],
      what: 'installing system packages',
    }),
  );
  // The tests start their own servers: what came in for them must not start at the next boot.
  for (const service of services) {
    if (hasCommand('systemctl')) spawnSync('systemctl', ['--quiet', 'disable', service], { stdio: 'ignore' });
  }
}

/** Keeps package scripts from starting services (Debian's policy-rc.d) while `install` runs. */
async function withoutServiceStart(isNeeded, install) {
  if (!isNeeded || existsSync(POLICY_FILE)) return await install();
  writeFileSync(POLICY_FILE, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    return await install();
  } finally {
    rmSync(POLICY_FILE, { force: true });
  }
}
