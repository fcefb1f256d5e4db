import type { ObservedResource } from '../model/resource.ts';
import { resourceBytes } from '../model/resource-bytes.ts';
import { instanceKey } from './instance-id.ts';

/**
 * What a process has: its own resource; `reduced`: its own with its service's name alone, as there was no room for more
 * attributes; `folded`: its container's, else the host's.
 */
export type Standing = 'own' | 'reduced' | 'folded';

export interface Place {
  readonly resource: ObservedResource;
  readonly standing: Standing;
}

/** What stands in for a process's own resource. */
export interface Substitutes {
  reduced(): ObservedResource;
  folded(): ObservedResource;
}

export interface WorkloadBounds {
  readonly maxResources: number;
  /** What the attributes of all resources in use may have together; `reduced` ones do not ask. */
  readonly maxBytes: number;
  /** Bytes of the resources that wait for an export, used or not. */
  exportedBytes(): number;
}

interface Use {
  readonly resource: ObservedResource;
  readonly bytes: number;
  processes: number;
}

/** The most that one resource can have: see declared.ts. */
const MAX_RESOURCE_BYTES = 4_096;

/**
 * The workload resources in use. At most `maxResources` of processes' own choosing, and
 * as many again that stand for processes folded together.
 */
export class WorkloadRegistry {
  /** Processes that did not get the resource of their own. */
  folded = 0;
  /** Processes that kept their service's name alone. */
  reduced = 0;
  /** Attributes of the resources in use. */
  bytes = 0;
  readonly #uses = new Map<string, Use>();
  /** By `instanceKey`, the resource that has it: as many as there are uses at most. */
  readonly #instances = new Map<string, string>();
  readonly #bounds: WorkloadBounds;
  readonly #host: ObservedResource;

  constructor(bounds: WorkloadBounds, host: ObservedResource) {
    this.#bounds = bounds;
    this.#host = host;
  }

  get size(): number {
    return this.#uses.size;
  }

  get isFull(): boolean {
    return this.#uses.size >= this.#bounds.maxResources;
  }

  /** Whether a resource of any size may come. */
  get hasBytes(): boolean {
    return this.#fits(MAX_RESOURCE_BYTES);
  }

  has(resource: ObservedResource): boolean {
    return this.#uses.has(resource.id);
  }

  /** Another resource in use has its service instance: a process declared it whose like is told apart. */
  isInstanceTaken({ id, attributes }: ObservedResource): boolean {
    const holder = this.#instances.get(instanceKey(attributes));
    return holder !== undefined && holder !== id;
  }

  /** `own` while there is room, else what stands in for it: give back what it returned. */
  acquire(own: ObservedResource, { reduced, folded }: Substitutes): Place {
    if (this.has(own)) return { resource: this.#use(own), standing: 'own' };
    if (this.isFull) return this.#fold(folded());
    if (this.#fits(resourceBytes(own))) return { resource: this.#use(own), standing: 'own' };
    const less = reduced();
    if (less.id === own.id) return { resource: this.#use(own), standing: 'own' };
    this.reduced += 1;
    return { resource: this.#use(less), standing: 'reduced' };
  }

  /** The place of a process that makes room for others. */
  fold(folded: ObservedResource): Place {
    return this.#fold(folded);
  }

  /** One process less uses it. */
  release(resource: ObservedResource): void {
    const use = this.#uses.get(resource.id);
    if (use === undefined) return;
    use.processes -= 1;
    if (use.processes > 0) return;
    this.#uses.delete(resource.id);
    const instance = instanceKey(resource.attributes);
    if (this.#instances.get(instance) === resource.id) this.#instances.delete(instance);
    this.bytes -= use.bytes;
  }

  #fold(folded: ObservedResource): Place {
    this.folded += 1;
    const hasRoom = this.#uses.size < 2 * this.#bounds.maxResources || this.has(folded);
    return { resource: hasRoom ? this.#use(folded) : this.#host, standing: 'folded' };
  }

  #fits(bytes: number): boolean {
    const { maxBytes } = this.#bounds;
    return this.bytes + bytes <= maxBytes && this.#bounds.exportedBytes() <= maxBytes;
  }

  #use(resource: ObservedResource): ObservedResource {
    if (resource.kind === 'host') return resource;
    const use = this.#uses.get(resource.id);
    if (use === undefined) {
      const bytes = resourceBytes(resource);
      this.#uses.set(resource.id, { resource, bytes, processes: 1 });
      this.#instances.set(instanceKey(resource.attributes), resource.id);
      this.bytes += bytes;
      return resource;
    }
    use.processes += 1;
    return use.resource;
  }
}
