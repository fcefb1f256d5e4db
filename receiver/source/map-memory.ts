import { KERNEL_MAPS } from './generated/maps.ts';

type KernelMap = (typeof KERNEL_MAPS)[keyof typeof KERNEL_MAPS];

/** `struct htab_elem` in front of the key; kernel/bpf/hashtab.c. */
const HASH_ENTRY = 48;
const HASH_BUCKET = 16;
/** What an entry made on demand is rounded up to, after 8 bytes of its own: kernel/bpf/memalloc.c. */
const SIZE_CLASSES = [16, 32, 64, 96, 128, 192, 256, 512, 1024, 2048, 4096];
const PAGE = 4_096;

/** Memory of the kernel's maps, in bytes. */
export interface MapMemory {
  /** From the start on, by map. */
  readonly atStart: ReadonlyMap<string, number>;
  /** More when maps that take memory by the entry are full. */
  readonly onDemand: ReadonlyMap<string, number>;
}

/** `sizes`: entries, of maps that do not have what the object declares. `cpus`: that the machine can have. */
export function mapMemory(sizes: Readonly<Record<string, number>>, cpus: number): MapMemory {
  const atStart = new Map<string, number>();
  const onDemand = new Map<string, number>();
  for (const [name, map] of Object.entries(KERNEL_MAPS)) {
    const entries = sizes[name] ?? map.maxEntries;
    atStart.set(name, bytesAtStart(map, entries, cpus));
    if (map.isOnDemand && map.type === 'hash') onDemand.set(name, entries * bytesOnDemand(map));
  }
  return { atStart, onDemand };
}

function bytesAtStart({ type, valueSize, ...map }: KernelMap, entries: number, cpus: number): number {
  switch (type) {
    case 'hash':
    case 'lru_hash': {
      const spare = type === 'hash' ? cpus : 0;
      const room = map.isOnDemand ? 0 : (entries + spare) * hashEntry({ type, valueSize, ...map });
      return room + HASH_BUCKET * 2 ** Math.ceil(Math.log2(entries));
    }
    case 'array':
      return entries * whole(valueSize);
    case 'percpu_array':
      return entries * (8 + cpus * whole(valueSize));
    case 'ringbuf':
      // Its pages are mapped twice in a row, with a table of both.
      return entries + 3 * PAGE + 16 * (entries / PAGE);
    case 'lpm_trie':
    case 'sk_storage':
      return 0;
  }
}

function hashEntry({ keySize, valueSize }: Pick<KernelMap, 'type' | 'keySize' | 'valueSize'>): number {
  return HASH_ENTRY + whole(keySize) + whole(valueSize);
}

function bytesOnDemand(map: KernelMap): number {
  const needed = 8 + hashEntry(map);
  return 8 + (SIZE_CLASSES.find((size) => size >= needed) ?? needed);
}

function whole(bytes: number): number {
  return Math.ceil(bytes / 8) * 8;
}
