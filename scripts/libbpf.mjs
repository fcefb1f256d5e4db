// libbpf: the system's when it is 1.0 or newer, else (Ubuntu 22.04 has 0.5) a pinned release, built from
// its source once and linked into the addon. The system's package stays as it is.
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { UserError, capture, hasCommand, root } from './project.mjs';
import { say } from './say.mjs';
import { run } from './stops.mjs';

const RELEASE = {
  url: 'https://github.com/libbpf/libbpf',
  tag: 'v1.5.1',
  commit: 'b4fa3e39a77fd65574fb5f899486795fc3d89bd9',
};

/** Whether the system's libbpf, of this version as pkg-config tells it, has all that the addon uses. */
export function isNewEnough(version) {
  return Number(/^(\d+)\./.exec(version ?? '')?.[1] ?? 0) >= 1;
}

/** What make is to be told to find libbpf: nothing when the system's is used. */
export async function libbpfArguments() {
  const version = capture('pkg-config', ['--modversion', 'libbpf']);
  if (isNewEnough(version)) return [];
  const prefix = join(root, '.cache', `libbpf-${RELEASE.tag}`);
  if (!existsSync(prefix)) await buildRelease(prefix, version);
  return [`LIBBPF_PREFIX=${prefix}`];
}

async function buildRelease(prefix, version) {
  if (!hasCommand('git'))
    throw new UserError(
      `libbpf ${version ?? ''} is older than 1.0, and git is missing to get ${RELEASE.tag}: install git, or a newer libbpf`,
    );
  await say(
    `libbpf ${version ?? ''} is older than 1.0: building ${RELEASE.tag} from ${RELEASE.url}, for this project only`,
  );
  mkdirSync(join(root, '.cache'), { recursive: true });
  const folder = mkdtempSync(join(root, '.cache', 'libbpf-source-'));
  try {
    const source = join(folder, 'source');
    const options = ['--quiet', '-c', 'advice.detachedHead=false', '--depth', '1', '--branch', RELEASE.tag];
    await run('git', ['clone', ...options, RELEASE.url, source], { what: 'getting the source of libbpf' });
    const commit = capture('git', ['-C', source, 'rev-parse', 'HEAD']);
    if (commit !== RELEASE.commit)
      throw new UserError(
        `${RELEASE.url} ${RELEASE.tag} is ${commit}, not ${RELEASE.commit}: it is not used`,
      );
    const target = join(folder, 'installed');
    const settings = [
      `DESTDIR=${target}`,
      'PREFIX=',
      'LIBDIR=/lib',
      'BUILD_STATIC_ONLY=1',
      'EXTRA_CFLAGS=-fPIC',
    ];
    await run('make', ['-s', '-j2', '-C', join(source, 'src'), ...settings, 'install'], {
      what: 'building libbpf',
    });
    renameSync(target, prefix);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
