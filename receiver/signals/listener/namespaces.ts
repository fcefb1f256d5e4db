/** What the kernel counts of listen queues by network namespace. */
export interface NamespaceCounters {
  /** Refused because the accept queue was full. */
  readonly acceptOverflows: number;
  /** The SYN queue was full, a SYN cookie was sent. */
  readonly cookies: number;
  /** The SYN queue was full, the SYN was dropped. */
  readonly synDrops: number;
}

/** A network namespace in which somebody listens. */
export interface NamespaceRef {
  /** The kernel never gives it to another one. */
  readonly id: number;
  /** Its inode, which another one has as soon as it is gone. */
  readonly netns: number;
  /** Processes that have listeners there. */
  readonly pids: ReadonlySet<number>;
}

/** Where the counters come from. */
export interface Namespaces {
  /** What is there now; before the first {@link gained} of a look. `pass`: of the last walk over the sockets. */
  look(pass: number): void;
  /** What a namespace counted since it was last asked for; undefined: not known. Those met last are asked for first. */
  gained(namespace: NamespaceRef): NamespaceCounters | undefined;
}

export const NOTHING: NamespaceCounters = { acceptOverflows: 0, cookies: 0, synDrops: 0 };

/** What came to `last`; nothing is ever negative. */
export function gainedSince(last: NamespaceCounters, now: NamespaceCounters): NamespaceCounters {
  return {
    acceptOverflows: Math.max(0, now.acceptOverflows - last.acceptOverflows),
    cookies: Math.max(0, now.cookies - last.cookies),
    synDrops: Math.max(0, now.synDrops - last.synDrops),
  };
}
