import { hash } from 'node:crypto';
import type { Attributes } from '@opentelemetry/api';
import { SDK_INFO } from '@opentelemetry/core';
import {
  ATTR_CONTAINER_ID,
  ATTR_HOST_ARCH,
  ATTR_HOST_ID,
  ATTR_HOST_NAME,
  ATTR_K8S_POD_UID,
  ATTR_OS_TYPE,
  ATTR_PROCESS_COMMAND,
  ATTR_PROCESS_CREATION_TIME,
  ATTR_PROCESS_EXECUTABLE_NAME,
  ATTR_PROCESS_PID,
  ATTR_PROCESS_USER_ID,
  ATTR_SERVICE_INSTANCE_ID,
  ATTR_SERVICE_NAME,
  ATTR_TELEMETRY_DISTRO_NAME,
  ATTR_TELEMETRY_DISTRO_VERSION,
  ATTR_TELEMETRY_SDK_LANGUAGE,
  ATTR_TELEMETRY_SDK_NAME,
  ATTR_TELEMETRY_SDK_VERSION,
} from '../../semconv/index.ts';
import type { ObservedResource, Owner } from '../model/resource.ts';
import type { ContainerIdentity } from '../host/cgroup-path.ts';
import type { HostFacts } from '../host/host-facts.ts';
import { instanceId, textOf } from './instance-id.ts';

/**
 * What tells two workloads apart; `auto`: service, else container, else process. A service is what one user's processes
 * declare in one container, or outside of containers: its name alone proves nothing.
 */
export type Granularity = 'auto' | 'process' | 'container' | 'service';

export interface WorkloadFacts {
  readonly owner: Owner;
  /** Base name of the executable file, or the command where that is not known. */
  readonly executable: string;
  /** From the `OTEL_*` variables of the process, without what is observed. */
  readonly declared: ReadonlyMap<string, string>;
  /** Absent: not known, so nothing that it declares lets it share a resource. */
  readonly userId: number | undefined;
  readonly container: ContainerIdentity;
  /** ISO 8601. */
  readonly creationTime: string;
}

const productName = 'wirespan';

/** Builds the resources of everything observed on one host. */
export class ResourceBuilder {
  readonly host: ObservedResource;
  readonly agent: ObservedResource;
  readonly #hostAttributes: Attributes;
  /** What tells this host from others. */
  readonly #hostIdentity: Attributes;
  readonly #bootId: string;
  /** Who observed it. `telemetry.sdk.*` is of the SDK in a process: what is observed has its own or none. */
  readonly #observer: Attributes;
  readonly #granularity: Granularity;

  constructor(host: HostFacts, granularity: Granularity) {
    this.#granularity = granularity;
    this.#bootId = host.bootId;
    this.#hostIdentity =
      host.hostId === undefined ? { [ATTR_HOST_NAME]: host.hostName } : { [ATTR_HOST_ID]: host.hostId };
    this.#hostAttributes = {
      ...known(ATTR_HOST_ID, host.hostId),
      [ATTR_HOST_NAME]: host.hostName,
      [ATTR_HOST_ARCH]: host.hostArch,
      [ATTR_OS_TYPE]: 'linux',
    };
    this.#observer = {
      [ATTR_TELEMETRY_DISTRO_NAME]: productName,
      [ATTR_TELEMETRY_DISTRO_VERSION]: host.version,
    };
    this.host = identified('host', {
      [ATTR_SERVICE_INSTANCE_ID]: instanceId(this.#hostIdentity),
      ...this.#hostAttributes,
      ...this.#observer,
    });
    this.agent = identified('agent', {
      ...this.#hostAttributes,
      ...this.#observer,
      [ATTR_TELEMETRY_SDK_NAME]: SDK_INFO[ATTR_TELEMETRY_SDK_NAME],
      [ATTR_TELEMETRY_SDK_LANGUAGE]: SDK_INFO[ATTR_TELEMETRY_SDK_LANGUAGE],
      [ATTR_TELEMETRY_SDK_VERSION]: SDK_INFO[ATTR_TELEMETRY_SDK_VERSION],
      [ATTR_SERVICE_NAME]: productName,
      [ATTR_SERVICE_INSTANCE_ID]: host.agentInstanceId,
      [ATTR_PROCESS_PID]: process.pid,
    });
  }

  workload(facts: WorkloadFacts): ObservedResource {
    const { declared, container, executable } = facts;
    const level = this.#level(facts);
    // Whoever says nothing of itself in a container is the container's.
    const isTold = level !== 'container' || declared.size > 0;
    const own = {
      [ATTR_SERVICE_NAME]: executable,
      ...Object.fromEntries(declared),
      [ATTR_PROCESS_EXECUTABLE_NAME]: executable,
      ...containerAttributes(container),
      ...(isTold && facts.userId !== undefined && { [ATTR_PROCESS_USER_ID]: facts.userId }),
    };
    const identity = level === 'process' ? { ...own, ...this.#processIdentity(facts) } : own;
    return identified('workload', {
      [ATTR_SERVICE_INSTANCE_ID]: instanceId({ ...identity, ...this.#hostIdentity }),
      ...own,
      ...this.#hostAttributes,
      ...(level === 'process' && processAttributes(facts)),
      ...this.#observer,
    });
  }

  /** The start is the kernel's: what is told as the time of creation depends on the clock, and a command changes. */
  #processIdentity({ owner: { pid, startNs } }: WorkloadFacts): Attributes {
    return { bootId: this.#bootId, pid, startNs: String(startNs) };
  }

  /** What stands for processes that are too many to be told apart. */
  folded(container: ContainerIdentity): ObservedResource {
    if (container.containerId === undefined) return this.host;
    const own = containerAttributes(container);
    const instance = { [ATTR_SERVICE_INSTANCE_ID]: instanceId({ ...own, ...this.#hostIdentity }) };
    return identified('workload', { ...instance, ...this.#hostAttributes, ...own, ...this.#observer });
  }

  #level({ declared, container, userId }: WorkloadFacts): Exclude<Granularity, 'auto'> {
    if (declared.size > 0 && userId === undefined) return 'process';
    const isContainer = container.containerId !== undefined;
    switch (this.#granularity) {
      case 'process':
      case 'service':
        return this.#granularity;
      case 'container':
        return isContainer ? 'container' : 'process';
      case 'auto':
        if (declared.has(ATTR_SERVICE_NAME)) return 'service';
        return isContainer ? 'container' : 'process';
    }
  }
}

/** Equal attributes, equal id. */
function identified(kind: ObservedResource['kind'], attributes: Attributes): ObservedResource {
  return { id: `${kind}:${hash('sha256', textOf(attributes), 'hex').slice(0, 32)}`, kind, attributes };
}

function containerAttributes({ containerId, podUid }: ContainerIdentity): Attributes {
  return { ...known(ATTR_CONTAINER_ID, containerId), ...known(ATTR_K8S_POD_UID, podUid) };
}

function processAttributes({ owner, creationTime }: WorkloadFacts): Attributes {
  return {
    [ATTR_PROCESS_PID]: owner.pid,
    [ATTR_PROCESS_CREATION_TIME]: creationTime,
    [ATTR_PROCESS_COMMAND]: owner.command,
  };
}

function known(key: string, value: string | undefined): Attributes {
  return value === undefined ? {} : { [key]: value };
}
