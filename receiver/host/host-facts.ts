import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { arch, hostname } from 'node:os';
import { readBootId } from './boot-id.ts';

/** What is true of this host and this agent until the agent ends. */
export interface HostFacts {
  /** From `/etc/machine-id`; absent on a host without one. */
  readonly hostId?: string;
  readonly hostName: string;
  /** `host.arch`. */
  readonly hostArch: string;
  /** `service.instance.id` of the agent. */
  readonly agentInstanceId: string;
  /** Random, another one at each start of the kernel. */
  readonly bootId: string;
  /** Version of this product. */
  readonly version: string;
}

const arches: Readonly<Record<string, string>> = {
  x64: 'amd64',
  arm64: 'arm64',
  arm: 'arm32',
  ia32: 'x86',
  ppc64: 'ppc64',
  s390x: 's390x',
};

/** Reads them from the running system. */
export function readHostFacts(version: string): HostFacts {
  const hostId = machineId('/etc/machine-id') ?? machineId('/var/lib/dbus/machine-id');
  const nodeArch = arch();
  return {
    ...(hostId === undefined ? {} : { hostId }),
    hostName: hostname(),
    hostArch: arches[nodeArch] ?? nodeArch,
    agentInstanceId: randomUUID(),
    bootId: readBootId(),
    version,
  };
}

function machineId(path: string): string | undefined {
  try {
    const id = readFileSync(path, 'utf8').trim();
    return /^[0-9a-f]{32}$/.test(id) ? id : undefined;
  } catch {
    return undefined;
  }
}
