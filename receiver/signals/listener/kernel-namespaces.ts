import { LISTEN_NAMESPACE } from '../../decode/generated/layout.ts';
import { rowsOf, type MapImage, type MapRow } from '../../model/map-image.ts';
import {
  gainedSince,
  NOTHING,
  type NamespaceCounters,
  type NamespaceRef,
  type Namespaces,
} from './namespaces.ts';

export interface KernelNamespacesParts {
  /** `listen_namespaces`. */
  read(): MapImage;
  delete(key: Uint8Array): void;
}

interface Known {
  readonly now: NamespaceCounters;
  last: NamespaceCounters;
}

/** Passes without a listener after which a namespace is forgotten: what it refused last was asked for by then. */
const PASSES_KEPT = 2;

/** Namespaces as the programs counted them: each from its first listener on. As many as the kernel's map holds. */
export class KernelNamespaces implements Namespaces {
  readonly #parts: KernelNamespacesParts;
  #known = new Map<number, Known>();

  constructor(parts: KernelNamespacesParts) {
    this.#parts = parts;
  }

  look(pass: number): void {
    const met = new Map<number, Known>();
    for (const row of rowsOf(this.#parts.read())) {
      const [id, now, lastPass] = readRow(row);
      if (lastPass + PASSES_KEPT < pass) this.#parts.delete(row.key());
      else met.set(id, { now, last: this.#known.get(id)?.last ?? NOTHING });
    }
    this.#known = met;
  }

  gained({ id }: NamespaceRef): NamespaceCounters | undefined {
    const known = this.#known.get(id);
    if (known === undefined) return undefined;
    const gained = gainedSince(known.last, known.now);
    known.last = known.now;
    return gained;
  }
}

function readRow({
  keys,
  keyAt,
  values,
  valueAt,
}: MapRow): [id: number, now: NamespaceCounters, pass: number] {
  const at = (offset: number): number => Number(values.getBigUint64(valueAt + offset, true));
  const now = {
    acceptOverflows: at(LISTEN_NAMESPACE.overflows),
    cookies: at(LISTEN_NAMESPACE.cookies),
    synDrops: at(LISTEN_NAMESPACE.syn_drops),
  };
  return [Number(keys.getBigUint64(keyAt, true)), now, at(LISTEN_NAMESPACE.pass)];
}
