import { ATTR_PROCESS_PID } from '../../semconv/index.ts';
import type { ObservedResource, Owner } from '../model/resource.ts';
import type { ContainerIdentity } from '../host/cgroup-path.ts';

interface Home {
  readonly owner: Owner;
  readonly container: ContainerIdentity;
  /** It lived at a collection: its resource stays its own. */
  isEstablished: boolean;
}

export interface ShortLivedParts {
  isAlive(owner: Owner): boolean;
  /** The resource of the container, else the host's. */
  folded(container: ContainerIdentity): ObservedResource;
}

/**
 * Resources of processes that ended before a collection met them alive. Bounded like the processes that the
 * enricher remembers: those make and end the entries.
 */
export class ShortLived {
  /** Resources that were folded, each counted once a collection. */
  folded = 0;
  readonly #homes = new Map<string, Home>();
  readonly #parts: ShortLivedParts;

  constructor(parts: ShortLivedParts) {
    this.#parts = parts;
  }

  /** A process has this resource; only one of its own is remembered. */
  remember(resource: ObservedResource, owner: Owner, container: ContainerIdentity): void {
    if (resource.attributes[ATTR_PROCESS_PID] === undefined) return;
    const known = this.#homes.get(resource.id);
    this.#homes.set(resource.id, { owner, container, isEstablished: known?.isEstablished ?? false });
  }

  forget(resource: ObservedResource): void {
    this.#homes.delete(resource.id);
  }

  /** At a collection: where its series go; undefined: nowhere else. */
  foldOf(resource: ObservedResource): ObservedResource | undefined {
    const home = this.#homes.get(resource.id);
    if (home === undefined || home.isEstablished) return undefined;
    if (this.#parts.isAlive(home.owner)) {
      home.isEstablished = true;
      return undefined;
    }
    this.folded += 1;
    return this.#parts.folded(home.container);
  }
}
