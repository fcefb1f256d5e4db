/** Settings that go together: defaults of a kind of machine, over which everything that is given wins. */
export const PROFILES = {
  default: {},
  /** Holds in a control group of 150 MB, kernel memory included: test/e2e/small-node.test.ts. */
  small: {
    'bpf.ring_buffer_size': 2 ** 20,
    'bpf.max_series': 2_048,
    'bpf.max_sockets': 32_768,
    'bpf.max_owners': 1_024,
    'resource.limit': 500,
    'series.limit': 5_000,
    'export.queue_size': 1_024,
  },
} as const satisfies Readonly<Record<string, Readonly<Record<string, unknown>>>>;

export type Profile = keyof typeof PROFILES;
