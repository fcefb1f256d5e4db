import type { ObservedResource } from '../model.ts';

interface Use {
  readonly resource: ObservedResource;
  processes: number;
}

/**
 * The workload resources in use. At most `maxResources` of processes' own choosing, and
 * as many again that stand for processes folded together.
 */
export class WorkloadRegistry {
  /** Processes that did not get the resource of their own. */
  folded = 0;
  readonly #uses = new Map<string, Use>();
  readonly #maxResources: number;
  readonly #host: ObservedResource;

  constructor(maxResources: number, host: ObservedResource) {
    this.#maxResources = maxResources;
    this.#host = host;
  }

  get size(): number {
    return this.#uses.size;
  }

  get isFull(): boolean {
    return this.#uses.size >= this.#maxResources;
  }

  has(resource: ObservedResource): boolean {
    return this.#uses.has(resource.id);
  }

  /** `own` while there is room, else what `fold` builds, else the host: give back what it returned. */
  acquire(own: ObservedResource, fold: () => ObservedResource): ObservedResource {
    if (!this.isFull || this.has(own)) return this.#use(own);
    this.folded += 1;
    const folded = fold();
    const hasRoom = this.#uses.size < 2 * this.#maxResources || this.has(folded);
    return hasRoom ? this.#use(folded) : this.#host;
  }

  /** One process less uses it. */
  release(resource: ObservedResource): void {
    const use = this.#uses.get(resource.id);
    if (use === undefined) return;
    use.processes -= 1;
    if (use.processes === 0) this.#uses.delete(resource.id);
  }

  #use(resource: ObservedResource): ObservedResource {
    if (resource.kind === 'host') return resource;
    const use = this.#uses.get(resource.id);
    if (use === undefined) {
      this.#uses.set(resource.id, { resource, processes: 1 });
      return resource;
    }
    use.processes += 1;
    return use.resource;
  }
}
