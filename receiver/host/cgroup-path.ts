/** What the path of a cgroup says about the container in it. */
export interface ContainerIdentity {
  /** 64 hex digits. */
  readonly containerId?: string;
  /** With dashes, lower case. */
  readonly podUid?: string;
}

/**
 * The last part of a container's cgroup: bare, or with its runtime in front
 * (`docker-…`, `cri-containerd-…`, `crio-…`, `libpod-…`), for some after colons.
 */
const containerPattern = /^(?:.*:)?(?:([a-z][a-z_-]*)-)?([0-9a-f]{64})(?:\.scope)?$/;
/** `pod<uid>` (cgroupfs driver), `kubepods-burstable-pod<uid with underscores>.slice` (systemd). */
const podPattern =
  /(?:^|-)pod([0-9a-f]{8}[-_][0-9a-f]{4}[-_][0-9a-f]{4}[-_][0-9a-f]{4}[-_][0-9a-f]{12})(?:\.slice)?(?:$|:)/;

/**
 * Reads container and pod out of a cgroup path. The innermost container wins (a node
 * that is a container itself). A runtime's monitor process is in no container. The uid
 * of a static pod is not its Kubernetes uid and is left out.
 */
export function readCgroupPath(path: string): ContainerIdentity {
  const parts = path.split('/').reverse();
  const containerId = first(parts, containerOf);
  const podUid = first(parts, podOf);
  return {
    ...(containerId === undefined ? {} : { containerId }),
    ...(podUid === undefined ? {} : { podUid }),
  };
}

/**
 * Reads `/proc/PID/cgroup`: one line on cgroup v2, one a controller on v1, both on a
 * hybrid host. The first line that names a container decides.
 */
export function readProcCgroup(text: string): ContainerIdentity & { readonly unifiedPath?: string } {
  let found: ContainerIdentity = {};
  let unifiedPath: string | undefined;
  for (const line of text.split('\n')) {
    const [hierarchy, , ...rest] = line.split(':');
    const path = rest.join(':');
    if (path === '') continue;
    if (hierarchy === '0') unifiedPath = path;
    if (found.containerId === undefined) found = { ...found, ...readCgroupPath(path) };
  }
  return unifiedPath === undefined ? found : { ...found, unifiedPath };
}

function containerOf(part: string): string | undefined {
  const [, runtime, id] = containerPattern.exec(part) ?? [];
  return runtime?.endsWith('conmon') === true ? undefined : id;
}

function podOf(part: string): string | undefined {
  return podPattern.exec(part)?.[1]?.replaceAll('_', '-');
}

function first(parts: readonly string[], read: (part: string) => string | undefined): string | undefined {
  for (const part of parts) {
    const value = read(part);
    if (value !== undefined) return value;
  }
  return undefined;
}
